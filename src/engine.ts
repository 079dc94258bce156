/**
 * Contract: where messages live. Implementations: `engines/`. `test/contracts/engine.ts` holds each of them to this text.
 *
 * Positions: offsets of a topic start at 1 and grow by exactly 1 within an epoch; a new epoch means history was lost or reset.
 * Order: every subscriber of a topic, the publisher's own node included, sees the messages once, in order of offset.
 * Failure: an engine MUST NOT throw into its caller; it rejects the publish and says so in `health()`.
 */
import type { Data } from "./connection.ts";

/** A message before it has a position. `json`: the text is JSON, not a plain string. `key`: for latest-only delivery. */
export interface OutMessage {
  readonly data: Data;
  readonly json: boolean;
  readonly key?: string;
  /** Id of the connection that published it; absent for sources and HTTP. */
  readonly conn?: string;
}

/** `time`: unix milliseconds at which the offset was given. `size`: bytes of `data` on the wire. */
export interface Message extends OutMessage {
  readonly topic: string;
  readonly offset: number;
  readonly time: number;
  readonly size: number;
}

export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

export interface EngineError {
  readonly code: "engine_down";
  readonly text: string;
}

export type Published = (result: Position | EngineError) => void;
export type Deliver = (message: Message) => void;

export interface Subscription {
  /** Where the topic stood when `deliver` began: it gets every message after this. */
  readonly position: Position;
  close(): void;
}

/** `since` and `before` are exclusive. Neither: the last `limit` messages. `limit` messages at most; 0 asks for the position only. */
export interface HistoryQuery {
  readonly since?: Position;
  readonly before?: Position;
  readonly limit: number;
}

/** `offset` is the topic's head. `more`: the page ended at `limit`. `complete: false`: what was asked for is no longer all there. */
export interface HistoryPage extends Position {
  readonly messages: readonly Message[];
  readonly more: boolean;
  readonly complete: boolean;
}

/** Bounds of one topic's history; the first that is reached evicts the oldest. 0 = no such bound; `size: 0` keeps nothing. */
export interface HistoryLimits {
  readonly size: number;
  readonly ttl: number;
  readonly bytes: number;
}

/** The topics of one route. Two routes never share a topic, whatever its name. */
export interface Topics {
  /** Keeps the order of calls per topic. `done` MAY be called before this returns (memory does). */
  publish(topic: string, message: OutMessage, done?: Published): void;
  subscribe(topic: string, deliver: Deliver): Subscription;
  history(topic: string, query: HistoryQuery): Promise<HistoryPage>;
}

/** `lease` in ms: not renewed for so long, the entry is gone; 0 = it lives as long as this engine. */
export interface ClaimOptions {
  readonly holder: string;
  readonly lease: number;
  /** Take it from its present holder, whose `onLost` is called first. */
  readonly takeOver: boolean;
  /** Called once when the claim ended without `release`: taken over, or its lease ran out. */
  onLost(reason: "taken" | "expired"): void;
}

/** `fence` grows with each claim of a name, also across holders: a write with a lower one is stale and MUST be refused. */
export interface Claim {
  readonly holder: string;
  readonly fence: number;
  /** False: it was already lost. */
  renew(): boolean;
  /** Without effect when already lost: a late release MUST NOT free the next holder's claim. */
  release(): void;
}

/** A name has one holder at most. */
export interface Claims {
  claim(
    name: string,
    options: ClaimOptions,
    done: (result: Claim | { takenBy: string } | EngineError) => void,
  ): void;
}

export interface Member {
  readonly conn: string;
  /** Unix milliseconds of the join. */
  readonly since: number;
}

/** Who is in a topic. One entry per connection; a second join of the same one only renews its lease. */
export interface Presence {
  join(topic: string, conn: string, lease: number): void;
  leave(topic: string, conn: string): void;
  /** In order of joining. */
  list(topic: string): Promise<readonly Member[]>;
}

export interface EngineHealth {
  readonly up: boolean;
  readonly text: string;
}

export interface Engine {
  topics(route: string, limits: HistoryLimits): Topics;
  readonly claims: Claims;
  readonly presence: Presence;
  health(): EngineHealth;
  close(): Promise<void>;
}
