/**
 * A peer's place in a group of a relay: joins on each new connection and goes on with its session, hands out what comes, once, and
 * acknowledges what was taken. Failure: a session that the server no longer knows is followed by a new one; a place that it refuses
 * for good ends the relay, a role that is taken is asked for again (the server closes with 4409).
 */
import type { Role } from "../../wire/envelope.ts";
import type { PeerState } from "../../wire/v1.ts";
import { tell } from "../callers.ts";
import type { Commands } from "../commands.ts";
import type { Matter } from "../conversation.ts";
import type { FairleadClientError } from "../errors.ts";
import { encodeFrame, type Frame } from "../frames.ts";
import type { ServerFrame } from "../items.ts";
import type { Link } from "../link.ts";
import type { Clock } from "../timing.ts";
import { RelayInbox } from "./inbox.ts";
import { RelaySends } from "./sends.ts";
import { inNextTurn } from "./turn.ts";

/** How long a server may take to say that it has heard `leave`, in ms. */
const LEAVE_MS = 1_000;

export interface RelayMessage {
  /** Any JSON; bytes are a Uint8Array. */
  readonly data: unknown;
  readonly from: Role;
  /** Grows, and may skip. */
  readonly seq: number;
  /** `message_type` of a plain sender, where it has one. */
  readonly type?: string | undefined;
}

export interface Partner {
  /** `unknown` as long as this peer itself is away, or stands by. */
  readonly state: PeerState | "unknown";
  /** What it told about itself, while it is online. */
  readonly info?: unknown;
  /** Why it came or went, in a word. */
  readonly reason?: string | undefined;
}

export interface Place {
  readonly group: string;
  readonly role: Role;
  /** JSON of at most 1 KiB that the partner is shown. */
  readonly info?: unknown;
}

const AWAY: Partner = { state: "unknown" };

export class RelayPlace implements Matter {
  readonly sends: RelaySends;
  readonly inbox = new RelayInbox<RelayMessage>();
  readonly listeners = new Set<(partner: Partner) => void>();
  partner = AWAY;
  #session: string | undefined;
  /** In this session: the last `seq` that came, that was taken, that the server was told of. */
  #had = 0;
  #taken = 0;
  #acked = 0;
  #isJoined = false;
  /** More came than the inbox holds: none of it counts, until its reader is done and it comes again. */
  #isBehind = false;
  #out: ((frame: Frame) => void) | undefined;
  #link: Link | undefined;
  /** One `ack` stands for all of a turn. */
  #isAckDue = false;
  #left: (() => void) | undefined;
  readonly #commands: Commands;
  readonly #clock: Clock;
  readonly #place: Place;
  readonly #fail: (error: FairleadClientError) => void;

  constructor(commands: Commands, clock: Clock, place: Place, fail: (error: FairleadClientError) => void) {
    this.#commands = commands;
    this.#clock = clock;
    this.#place = place;
    this.#fail = fail;
    this.sends = new RelaySends(commands, clock);
  }

  query(): Readonly<Record<string, string>> {
    return {};
  }

  opened(_: ServerFrame, send: (frame: Frame) => void, link: Link): void {
    this.#out = send;
    this.#link = link;
    this.#join();
  }

  heard(frame: ServerFrame): boolean {
    if (frame.t === "receipt") return this.sends.receipt(frame);
    if (!this.#isJoined) return false;
    if (frame.t === "data") return this.#receive(frame);
    if (frame.t === "peer") this.#show(frame["state"] as PeerState, frame as Partial<Partner>);
    return false;
  }

  lost(): void {
    this.#pause();
    this.#show("unknown", {});
  }

  ended(error?: FairleadClientError): void {
    this.#pause();
    this.sends.ended(error === undefined ? "the relay was closed" : error.message);
    this.inbox.end(error);
  }

  /** Says what was taken, then `leave`, and waits a moment for the answer: so the partner hears at once that this one has gone. */
  leave(): Promise<void> {
    if (!this.#isJoined) return Promise.resolve();
    this.#acknowledge();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(LEAVE_MS, resolve);
    this.#left = resolve;
    this.#commands.add({
      t: "leave",
      once: true,
      fields: () => ({}),
      done: () => resolve(),
      failed: () => resolve(),
    });
    this.#isJoined = false;
    this.sends.lost();
    return promise.finally(() => timer.cancel());
  }

  #join(): void {
    const { group, role, info } = this.#place;
    const goesOn = this.#session && { session: this.#session, upto: this.#taken, done: this.sends.done };
    this.#acked = this.#taken;
    this.#commands.add({
      t: "join",
      once: true,
      fields: () => ({ group, role, info, ...goesOn }),
      done: (ok) => this.#joined(ok),
      failed: (error) => this.#refused(error),
    });
  }

  #joined(ok: ServerFrame): void {
    this.#isJoined = true;
    this.#isBehind = false;
    this.#session = ok["session"] as string;
    this.#show(ok["partner"] as PeerState, ok as Partial<Partner>);
    this.sends.joined();
    this.#acknowledge();
  }

  #refused(error: FairleadClientError): void {
    const { code, message } = error;
    if (code === "gone" && this.#session !== undefined) {
      this.#session = undefined;
      this.#had = this.#taken = this.#acked = 0;
      this.sends.forgotten("the session has ended");
      this.#join();
    } else if (code === "engine_down" || code === "rate_limited" || code === "too_many")
      this.#link?.drop(message);
    // After `forbidden` comes a close, whose code says whether to come back.
    else if (code !== "forbidden") this.#fail(error);
  }

  /** True: it was news. */
  #receive({ seq, from, data, type }: ServerFrame): boolean {
    const place = seq as number;
    if (this.#isBehind || !(place > this.#had)) return false;
    this.#isBehind = this.inbox.isFull;
    if (this.#isBehind) return false;
    this.#had = place;
    const session = this.#session;
    const message = { data, from: from as Role, seq: place, type: type as string | undefined };
    this.inbox.push(message, () => this.#took(session, place));
    return true;
  }

  /** Of a session that has ended nothing can be acknowledged any more. */
  #took(session: string | undefined, seq: number): void {
    if (session !== this.#session) return;
    this.#taken = seq;
    if (!this.#isAckDue) inNextTurn(this.#acknowledge);
    this.#isAckDue = true;
    if (this.#isBehind && this.inbox.isEmpty) this.#link?.drop("more came than was read");
  }

  readonly #acknowledge = (): void => {
    this.#isAckDue = false;
    if (!this.#isJoined || this.#taken <= this.#acked) return;
    this.#acked = this.#taken;
    this.#out?.(encodeFrame({ t: "ack", upto: this.#acked }));
  };

  #show(state: Partner["state"], { info, reason }: Partial<Partner>): void {
    this.partner = { state, info, reason };
    for (const listener of this.listeners) tell(listener, this.partner);
  }

  #pause(): void {
    this.#isJoined = false;
    this.sends.lost();
    this.#left?.();
  }
}
