/**
 * What one peer on this node sends: each message as a step, its answer, and the receipt after that, never before.
 * Failure: a send of which nobody knows whether it was done is asked again, under the same name, by `retry`; until then no other one is.
 */
import type { RelaysDown, Sent, SharedMessage } from "../../../relays.ts";
import type { Step } from "./steps.ts";
import { keptText, type ReceiptWords, type SendAnswer } from "./wire.ts";

export interface OutgoingHost {
  /** The role, the seat and its fence, as scripts read them. */
  place(): Readonly<Record<string, unknown>>;
  readonly isOver: boolean;
  ask(step: Step): void;
  settled(receipt: ReceiptWords): void;
  /** The seat is not its own any more, or things are not known. */
  look(): void;
  behind(): void;
}

interface Doubt {
  readonly message: SharedMessage;
  readonly done: (sent: Sent) => void;
}

const LATER: RelaysDown = { code: "engine_down", text: "the engine did not answer; try again later" };
const REFUSALS = { m: "too_many", n: "no_binary", a: "absent" } as const;

/** A class, because there is one per seat. */
export class Outgoing {
  /** Sent, without a receipt. */
  private readonly open = new Set<number>();
  private last = 0;
  private underWay = 0;
  /** Receipts that came before the answer to their send. */
  private early: ReceiptWords[] = [];
  private doubts: Doubt[] = [];

  constructor(private readonly host: OutgoingHost) {}

  send(message: SharedMessage, done: (sent: Sent) => void): void {
    if (this.doubts.length > 0) done(LATER);
    else this.post(message, done);
  }

  retry(): void {
    for (const { message, done } of this.doubts.splice(0)) this.post(message, done);
  }

  receipt(words: ReceiptWords): void {
    if (words[0] > this.last && this.underWay + this.doubts.length > 0) this.early.push(words);
    else this.settle(words);
  }

  /** All that are known: some were missed. */
  receipts(all: readonly ReceiptWords[]): void {
    for (const words of all) if (this.open.has(words[0])) this.settle(words);
  }

  /** Whoever waits for an answer hears that there is none. */
  end(): void {
    for (const { done } of this.doubts.splice(0)) done("lost");
  }

  private post(message: SharedMessage, done: (sent: Sent) => void): void {
    const { idem, size, ttl, done: released, isForPresent, data } = message;
    const words = {
      k: "s",
      m: idem,
      z: size,
      t: Number.isFinite(ttl) ? ttl : undefined,
      b: typeof data !== "string",
      a: isForPresent || undefined,
      dn: released,
      ...this.host.place(),
    };
    this.underWay += 1;
    this.host.ask({
      words,
      kept: keptText(message),
      answered: (answer) => {
        this.underWay -= 1;
        this.answered(answer as SendAnswer, done);
      },
      failed: (error, wasSent) => {
        this.underWay -= 1;
        if (this.host.isOver) done("lost");
        else if (wasSent) this.doubt({ message, done });
        else done(error);
      },
    });
  }

  private doubt(doubt: Doubt): void {
    this.doubts.push(doubt);
    this.host.behind();
  }

  private answered(answer: SendAnswer, done: (sent: Sent) => void): void {
    if (answer[0] === "k") {
      const [, seq, state] = answer;
      this.last = Math.max(this.last, seq);
      if (state === undefined) this.open.add(seq);
      done({ seq, state });
    } else if (answer[0] === "x") {
      done("lost");
      this.host.look();
    } else done(REFUSALS[answer[0]]);
    if (this.early.length === 0) return;
    for (const words of this.early.splice(0)) this.receipt(words);
  }

  private settle(words: ReceiptWords): void {
    this.open.delete(words[0]);
    this.host.settled(words);
  }
}
