/**
 * What one peer on this node acknowledges. One that waits to be sent says more instead of being followed by another. One that could not be
 * done is done when Redis is back: what a client has taken stays taken.
 */
import type { RelaysDown } from "../../../relays.ts";
import type { Step } from "./steps.ts";
import type { AckAnswer } from "./wire.ts";

export interface AcksHost {
  place(): Readonly<Record<string, unknown>>;
  ask(step: Step): void;
  look(): void;
  behind(): void;
}

/** A class, because there is one per seat. */
export class Acks {
  private due: { readonly upto: number; readonly released: number } | undefined;
  private waiting: Step | undefined;

  constructor(private readonly host: AcksHost) {}

  add(upto: number, released: number, done?: (known: boolean | RelaysDown) => void): void {
    if (done === undefined && this.waiting !== undefined) {
      Object.assign(this.waiting.words, { up: upto, dn: released });
      return;
    }
    const step: Step = {
      words: { k: "a", up: upto, dn: released, ...this.host.place() },
      sent: () => {
        if (this.waiting === step) this.waiting = undefined;
      },
      answered: (answer) => {
        const [kind] = answer as AckAnswer;
        this.due = undefined;
        if (kind === "x") this.host.look();
        else done?.(kind === "k");
      },
      failed: (error) => {
        if (this.waiting === step) this.waiting = undefined;
        this.due = { upto: Number(step.words["up"]), released: Number(step.words["dn"]) };
        this.host.behind();
        done?.(error);
      },
    };
    if (done === undefined) this.waiting = step;
    this.host.ask(step);
  }

  retry(): void {
    if (this.due !== undefined) this.add(this.due.upto, this.due.released);
  }
}
