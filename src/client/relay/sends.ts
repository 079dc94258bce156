/**
 * What a peer of a relay sends, until each message has its end: over one connection after another, in order, with one receipt each.
 * Limits: so much is under way, so much more waits for that; past both `send` rejects with `buffer_full`. Both lie below what a relay
 * queues by default (256 messages, 1 MiB), so that one sender alone fills no queue.
 * Failure: every message is settled, at the latest when the relay is closed.
 */
import { random, sizeOf } from "../callers.ts";
import type { Commands } from "../commands.ts";
import { type ClientErrorCode, FairleadClientError } from "../errors.ts";
import type { Body } from "../frames.ts";
import type { ServerFrame } from "../items.ts";
import { ageOf, type Clock, type Moment, momentOf } from "../timing.ts";

/** Sent, and not yet released: one that has its receipt still counts while an older one has none. */
const MAX_SENT = { count: 128, bytes: 512 * 1024 };
const MAX_WAITING = { count: 256, bytes: 1024 * 1024 };
/** What a timer can count. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface SendOptions {
  /** ms that it may wait, here and in the relay, before it is handed over. @default as long as the route allows */
  readonly ttl?: number | undefined;
  /** Stops waiting. What was sent may still be delivered. */
  readonly signal?: AbortSignal | undefined;
}

interface Message {
  readonly idem: string;
  readonly size: number;
  readonly ttl: number | undefined;
  readonly since: Moment;
  body: Body | undefined;
  /** Once it has its receipt. */
  seq?: number;
  settle(error?: FairleadClientError): void;
}

/** Messages in order, and how large they are. */
class Line {
  /** By `idem`. */
  readonly all = new Map<string, Message>();
  bytes = 0;

  add(message: Message): void {
    this.all.set(message.idem, message);
    this.bytes += message.size;
  }

  remove(message: Message): boolean {
    const wasIn = this.all.delete(message.idem);
    if (wasIn) this.bytes -= message.size;
    return wasIn;
  }

  /** One message fits into an empty line, however large it is. */
  hasRoom({ size }: Message, max: { readonly count: number; readonly bytes: number }): boolean {
    return this.all.size < max.count && (this.all.size === 0 || this.bytes + size <= max.bytes);
  }
}

export class RelaySends {
  readonly #waiting = new Line();
  readonly #sent = new Line();
  /** All receipts up to this `seq` have come. */
  #done = 0;
  #toldDone = 0;
  #isJoined = false;
  #over: string | undefined;
  readonly #commands: Commands;
  readonly #clock: Clock;

  constructor(commands: Commands, clock: Clock) {
    this.#commands = commands;
    this.#clock = clock;
  }

  get done(): number {
    return this.#done;
  }

  send(body: Body, { ttl, signal }: SendOptions): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const settle = (error?: FairleadClientError) => (error === undefined ? resolve() : reject(error));
    const since = momentOf(this.#clock);
    const message: Message = { idem: random(), size: sizeOf(body), ttl, since, body, settle };
    const abort = () => {
      const text = this.#waiting.remove(message) ? "nothing was sent" : "it may still be delivered";
      reject(new FairleadClientError("aborted", `send: aborted; ${text}`, { cause: signal?.reason }));
    };
    const timer = ttl === undefined ? undefined : this.#expireLater(message, ttl);
    if (this.#over !== undefined) fail(message, "closed", this.#over);
    else if (signal?.aborted) fail(message, "aborted", "aborted; nothing was sent");
    else this.#begin(message);
    signal?.addEventListener("abort", abort);
    return promise.finally(() => {
      timer?.cancel();
      signal?.removeEventListener("abort", abort);
    });
  }

  /** In the role: what has no receipt is sent again, in order, then what waits. */
  joined(): void {
    this.#isJoined = true;
    this.#toldDone = this.#done;
    for (const message of this.#sent.all.values()) if (message.seq === undefined) this.#transmit(message);
    this.#advance();
  }

  lost(): void {
    this.#isJoined = false;
  }

  /** True: it was news. */
  receipt({ idem, seq, state }: ServerFrame): boolean {
    const message = this.#sent.all.get(idem as string);
    if (message === undefined || message.seq !== undefined) return false;
    message.seq = seq as number;
    message.body = undefined;
    if (state === "delivered") message.settle();
    else if (state === "expired") fail(message, state, "it waited for its partner until its time was over");
    else if (state === "dropped")
      fail(message, state, "too many waited for the partner, or the relay has ended");
    else fail(message, "unknown", "the partner was given it, and did not say whether it took it");
    this.#advance();
    return true;
  }

  /** The session has ended: of what was sent nobody will hear any more. What waits is for the next one. */
  forgotten(why: string): void {
    for (const message of this.#sent.all.values()) {
      this.#sent.remove(message);
      fail(message, "unknown", `${why}: it may or may not have been delivered`);
    }
    this.#done = 0;
  }

  ended(why: string): void {
    this.#over = why;
    this.#isJoined = false;
    this.forgotten(why);
    for (const message of this.#waiting.all.values()) {
      this.#waiting.remove(message);
      fail(message, "closed", `${why}; nothing was sent`);
    }
  }

  #begin(message: Message): void {
    if (!this.#waiting.hasRoom(message, MAX_WAITING)) {
      const { all, bytes } = this.#waiting;
      fail(message, "buffer_full", `${all.size} messages of ${bytes} bytes wait to be sent: wait for one`);
      return;
    }
    this.#waiting.add(message);
    this.#advance();
  }

  /** Releases what has its receipt, from the oldest on, and sends what there is room for. */
  #advance(): void {
    for (const message of this.#sent.all.values()) {
      if (message.seq === undefined) break;
      this.#done = Math.max(this.#done, message.seq);
      this.#sent.remove(message);
    }
    for (const message of this.#waiting.all.values()) {
      if (!this.#isJoined || !this.#sent.hasRoom(message, MAX_SENT)) return;
      this.#waiting.remove(message);
      this.#sent.add(message);
      this.#transmit(message);
    }
  }

  #transmit(message: Message): void {
    const { idem, ttl, since, body } = message;
    const left = ttl === undefined ? undefined : Math.max(0, Math.ceil(ttl - ageOf(this.#clock, since)));
    this.#commands.add({
      t: "send",
      once: true,
      body,
      fields: () => ({ idem, ttl: left, done: this.#newDone() }),
      done: () => {},
      // Nothing was accepted, so no receipt will come.
      failed: (error) => {
        if (!this.#sent.remove(message)) return;
        message.settle(error);
        this.#advance();
      },
    });
  }

  /** Undefined: the server knows. */
  #newDone(): number | undefined {
    if (this.#done <= this.#toldDone) return undefined;
    this.#toldDone = this.#done;
    return this.#done;
  }

  /** One that was not sent in its time never will be; of one that was, the relay says what became of it. */
  #expireLater(message: Message, ttl: number): { cancel(): void } {
    return this.#clock.after(Math.min(ttl, MAX_TIMER_MS), () => {
      if (this.#waiting.remove(message)) fail(message, "expired", `it waited ${ttl} ms and was never sent`);
    });
  }
}

function fail({ settle }: Message, code: ClientErrorCode, text: string): void {
  settle(new FairleadClientError(code, `send: ${text}`));
}
