/**
 * Contract: the groups of a relay where several nodes share them. An engine of one process has none (`Engine.relays` is absent): there
 * the relay keeps its groups itself. Both mean the same to clients, but for what docs/routes/relay.md says of several nodes.
 *
 * All peers acknowledge what they are handed: for a plain client its node does, once the client's connection has it. A message has one
 * final state. A seat's steps are done in the order of the calls; what a guest is told comes in order, never inside of a call.
 * Failure: nothing throws into its caller. A join, a send or an ack that was surely not done is answered with `engine_down`. Of a send
 * nobody knows that: it is asked again once the engine is back, and answered then, because an answer must not lie.
 */
import type { Role } from "./wire/envelope.ts";
import type { PeerState, ReceiptState } from "./wire/v1.ts";

/** The engine does not answer; `text` is for the client. */
export interface RelaysDown {
  readonly code: "engine_down";
  readonly text: string;
}

/** The same on all nodes. Times in ms; bounds of 0 bound nothing, but `grace` 0 is at once. They hold for all nodes together. */
export interface RelayRules {
  readonly third: "reject" | "replace" | "standby";
  readonly grace: number;
  readonly queue: { readonly size: number; readonly bytes: number; readonly total: number };
  readonly session: { readonly ttl: number; readonly max: number };
}

/** Who wants a role. */
export interface Candidate {
  readonly group: string;
  readonly role: Role;
  /** Its connection: unique across nodes and restarts. */
  readonly conn: string;
  readonly user: string | null;
  /** Whose share of the bounds it takes (limits/holder.ts). */
  readonly owner: string;
  /** It takes no bytes, and its session ends with its connection. */
  readonly isPlain: boolean;
  /** JSON that its partner is shown. */
  readonly info: string | undefined;
  /** To go on with; undefined: a new one. */
  readonly resumed: { readonly session: string; readonly upto: number; readonly done: number } | undefined;
}

/** How a peer finds things when it gets its role. */
export interface SharedPlace {
  readonly session: string;
  readonly partner: PeerState;
  /** Messages that follow. */
  readonly queued: number;
  readonly info: string | undefined;
}

export interface HandedMessage {
  readonly seq: number;
  readonly data: string | Uint8Array;
  readonly json: boolean;
  readonly type: string | undefined;
}

/** `gone`: nobody knows its session any more. `beyond`: nothing so late as its `upto` was ever handed over. */
export type JoinRefusal = "taken" | "gone" | "beyond" | RelaysDown;

/** What a peer is told. After `refused` or `lost` nothing more. */
export interface Guest {
  /** What it is told inside of `run` goes out together. */
  gather(run: () => void): void;
  seated(at: SharedPlace): void;
  standsBy(): void;
  refused(why: JoinRefusal): void;
  handed(message: HandedMessage): void;
  /** What became of a message of its session. */
  settled(seq: number, idem: string, state: ReceiptState): void;
  /** What became of its partner. */
  sees(state: PeerState, reason: string, info: string | undefined): void;
  /** 4590: another one has its role. 1012: the role is nobody's any more, because this node was away for too long, or the engine lost it. */
  lost(code: 4590 | 1012, reason: string): void;
}

export interface SharedMessage extends Omit<HandedMessage, "seq"> {
  readonly idem: string;
  /** Bytes of all that is kept of what was sent. */
  readonly size: number;
  /** Milliseconds that it may wait; Infinity = without end. */
  readonly ttl: number;
  /** All receipts of its sender up to this `seq` have come. */
  readonly done: number;
  /** Nobody waits for a partner: `absent`. */
  readonly isForPresent: boolean;
}

/** `state`: it was sent before, and has its receipt. `lost` is told to the guest too. */
export type Sent =
  | { readonly seq: number; readonly state: ReceiptState | undefined }
  | "lost"
  | "too_many"
  | "no_binary"
  | "absent"
  | RelaysDown;

export interface SharedSeat {
  /** Undefined: it takes more. Else it resolves when it does: whoever reads from a client MUST wait for it. */
  readonly room: Promise<void> | undefined;
  send(message: SharedMessage, done: (sent: Sent) => void): void;
  /** `done`: whether anything so late was ever handed over. An ack that could not be done is done when the engine is back. */
  acknowledge(upto: number, released: number, done?: (known: boolean | RelaysDown) => void): void;
  /** `isForGood`: its session ends now, instead of waiting for its return. Without effect the second time. */
  leave(reason: string, isForGood: boolean): void;
  /** After it has left: its session ends now, unless somebody went on with it. */
  endSession(): void;
}

/** What happened to messages on behalf of this node, by counter: `due`, `delivered`, or a reason of a drop. */
export type RelayTally = Readonly<
  Partial<Record<"due" | "delivered" | "expired" | "full" | "ignored", number>>
>;

/** Of all nodes. One of them tells, the others say 0, so that a sum over nodes is right; some seconds old. */
export interface RelaySums {
  readonly groups: number;
  /** Sessions whose client is. */
  readonly away: number;
  /** Messages that were not handed over. */
  readonly queued: number;
}

export interface SharedRelay {
  enter(candidate: Candidate, guest: Guest): SharedSeat;
  sums(): RelaySums;
  /** Its peers have left. Resolves when the engine knows, or is away. */
  close(): Promise<void>;
}

export interface Relays {
  /** MUST be called once per route. */
  open(route: string, rules: RelayRules, counted: (tally: RelayTally) => void): SharedRelay;
}
