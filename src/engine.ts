/**
 * Contract: where messages live. Implementations: `engines/`. `test/contracts/engine.ts` holds each of them to this text.
 *
 * Positions: offsets of a topic start at 1 and grow by exactly 1 within an epoch; a new epoch means history was lost or reset.
 * Order: every subscriber of a topic, the publisher's own node included, sees the messages once, in order of offset.
 * A callback may call the engine again: what it publishes is delivered after the message that is under way.
 * Failure: an engine MUST NOT throw into its caller. A call that it cannot do is answered with `engine_down` through `done`, a promise
 * rejects with the FairleadError ENGINE_DOWN, and `health()` says so. A `deliver` that throws harms nobody else; the engine reports it.
 */
import type { Cluster } from "./cluster.ts";
import type { Data } from "./connection.ts";
import type { Relays } from "./relays.ts";
import type { SharedRevocations } from "./shared-revocations.ts";
import type { Member, Position } from "./wire/v1.ts";

export type { Member, Position };

/**
 * A message before it has a position. `json`: the text is JSON, not a plain string. `key`: for latest-only delivery.
 * Optional fields may be undefined, so that an engine builds all messages in one shape.
 */
export interface OutMessage {
  readonly data: Data;
  readonly json: boolean;
  readonly key?: string | undefined;
  /** Bytes of `data` on the wire, where the publisher has counted them; else the engine does. */
  readonly size?: number | undefined;
  /** Id of the connection that published it; absent for sources and HTTP. */
  readonly conn?: string | undefined;
  /** Who published it, where that is known. */
  readonly user?: string | undefined;
}

/**
 * Makes a publish happen once, however often it is sent. `id` is scoped to the topic and the message's `user`. One seen within IDEM_TTL_MS,
 * also one still under way, is answered with the first position, and nothing is published.
 * `age`: ms since it was first sent, on a publish that is sent again. When the engine may have forgotten an `id` of that age
 * (evicted, restarted), it publishes nothing and answers `gone`: it may or may not have happened.
 * At most IDEM_MAX per route, independent of the history; kept in the same transaction as the message.
 */
export interface Idem {
  readonly id: string;
  readonly age?: number | undefined;
}
export const IDEM_TTL_MS = 300_000;
export const IDEM_MAX = 100_000;
/** A publish sent again may have been on its way longer than the first: so much younger must it be than the oldest `id` still known. */
export const IDEM_MARGIN_MS = 1_000;

/**
 * `epoch` stands in every message, so a topic that lost its history while somebody listened shows it.
 * `time`: unix milliseconds at which the offset was given. `size`: bytes of `data` on the wire.
 */
export interface Message extends OutMessage, Position {
  readonly topic: string;
  readonly time: number;
  readonly size: number;
}

/** `engine_down`: nothing happened. `gone`, only to a publish: it may or may not have happened. */
export interface EngineError {
  readonly code: "engine_down" | "gone";
  readonly text: string;
}

/** A publish may be answered with the message itself. */
export type Published = (result: Position | EngineError) => void;
export type Deliver = (message: Message) => void;
/** Nothing up to `to` will come any more: it was lost on the way and is not in the history either, or the topic is in a new epoch. */
export type Skip = (to: Position) => void;

export interface Subscription {
  /** `deliver` is not called again, not even for the message under way. */
  close(): void;
}

/**
 * `since`: the `limit` messages after it. `before`: the last `limit` messages before it. Neither: the last `limit` messages.
 * Both bounds are exclusive; beside `since`, `before` does not count. `limit` 0 asks for the position only.
 */
export interface HistoryQuery {
  readonly since?: Position;
  readonly before?: Position;
  readonly limit: number;
}

/** Bytes of data in one page of history, unless its only message is larger. */
export const HISTORY_PAGE_BYTES = 256 * 1024;

/**
 * `epoch` and `offset` are the topic's head. `messages` ascend without a hole.
 * `more`: the page ended at `limit` or HISTORY_PAGE_BYTES, and what lies beyond it is held.
 * `complete: false`: what was asked for is not all there any more. Then `messages` are those of the asked ones still held (after
 * `since`: from the oldest on), and none when the position has a foreign epoch or lies in the future.
 */
export interface HistoryPage extends Position {
  readonly messages: readonly Message[];
  readonly more: boolean;
  readonly complete: boolean;
}

/**
 * Bounds of one topic's history: `size` in messages, `ttl` in ms, `bytes` of data; the first that is reached evicts the oldest.
 * 0 = no such bound; `size: 0` keeps nothing. A topic lives as long as it has a subscriber or history; then it may be
 * forgotten, and comes back with a new epoch. With `ttl: 0` every topic that was ever published to is kept.
 */
export interface HistoryLimits {
  readonly size: number;
  readonly ttl: number;
  readonly bytes: number;
  /**
   * Bytes of all topics of the route, with a share for each message and topic: past it a publish may replace what its topic holds and
   * not add to it, so strangers who open topics push nobody else's history out. Absent or 0: no such bound.
   */
  readonly total?: number;
}

/**
 * The topics of one route. Two routes never share a topic, whatever its name.
 * Every `done` is called exactly once, maybe before the call returns (memory does), also when the engine is closed meanwhile.
 */
export interface Topics {
  /** Keeps the order of calls per topic. More unfinished ones on a topic than the engine's bound are answered `engine_down`. */
  publish(topic: string, message: OutMessage, done?: Published, idem?: Idem): void;
  /**
   * `done` gets where the topic stood: `deliver` gets every message after that, and none before `done` was called. What it will not get
   * is told by `skip` before the next one is delivered; engines of one process lose nothing. A message of another epoch tells that itself.
   */
  subscribe(topic: string, deliver: Deliver, done?: Published, skip?: Skip): Subscription;
  history(topic: string, query: HistoryQuery): Promise<HistoryPage>;
  /** The topics with a message in their present epoch that a pattern matches, and where they stand; at most `limit`, in no order. */
  find(pattern: string, limit: number): Promise<readonly (Position & { readonly topic: string })[]>;
  /**
   * `seen` is called before the message with offset 1 of an epoch is delivered, whatever its topic: one who subscribes to
   * the topic inside it gets that message. A `seen` that throws harms nobody else; the engine reports it.
   */
  watch(seen: (topic: string) => void): Subscription;
}

/**
 * `lease` in ms: not renewed for so long, the entry is gone; 0 = it lives as long as this engine.
 * A `holder` that claims again what it holds is refused like anybody else: it has a claim to renew.
 */
export interface ClaimOptions {
  readonly holder: string;
  readonly lease: number;
  /** Take it from its present holder, whose `onLost` is called before `done`. */
  readonly takeOver: boolean;
  /** Called once when the claim ended without `release`: taken over, or its lease ran out. Not when the engine closes. */
  onLost(reason: "taken" | "expired"): void;
}

/** `fence` grows with each claim of a name, also across holders: a write with a lower one is stale and MUST be refused. */
export interface Claim {
  readonly holder: string;
  readonly fence: number;
  /** False: it ended already. An engine that learns of it later says so through `onLost`. */
  renew(): boolean;
  /** Without effect when already lost: a late release MUST NOT free the next holder's claim. */
  release(): void;
}

/** A name has one holder at most. All routes share the names: a route puts its own path in front. */
export interface Claims {
  claim(
    name: string,
    options: ClaimOptions,
    done: (result: Claim | { takenBy: string } | EngineError) => void,
  ): void;
}

/** `total`: how many are there now. Only what really changed is told: one join and one leave for each entry. */
export interface PresenceChange {
  readonly kind: "join" | "leave";
  readonly member: Member;
  readonly total: number;
}

/** `total` of all, `complete: false` when more follow after the last of `members`. */
export interface PresencePage {
  readonly members: readonly Member[];
  readonly total: number;
  readonly complete: boolean;
}

/**
 * Who is in a topic. One entry per connection; a second join of the same one only renews its lease.
 * All routes share the names: a route puts its own path in front. `lease` in ms; 0 = as long as this engine.
 * Who is past it is in no list any more; the leave is told within 10 s. A `changed` that throws harms nobody else; the engine reports it.
 */
export interface Presence {
  join(topic: string, member: Omit<Member, "since">, lease: number): void;
  leave(topic: string, conn: string): void;
  /** In a fixed order by `conn`, those after `after`, which may have left since. */
  list(
    topic: string,
    query: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<PresencePage>;
  /** Told of each change from now on; in memory before `join` or `leave` returns. */
  watch(topic: string, changed: (change: PresenceChange) => void): Subscription;
}

/** `serves`: it is down, and the node is of use to clients all the same. */
export interface EngineHealth {
  readonly up: boolean;
  readonly serves?: boolean;
  readonly text: string;
}

/** What became of messages on their way over the network. */
export interface EngineTraffic {
  /** Times that messages were missing and were fetched. */
  readonly holes: number;
  /** Messages that could not be had any more: those who read were told. */
  readonly lost: number;
  /** Milliseconds from the last message's publish to its delivery here. */
  readonly lag: number;
}

export interface Engine {
  /** Before the first call of anything but `topics`. Rejects with the FairleadError ENGINE_DOWN for what the owner must mend. */
  start?(): Promise<void>;
  /** MUST be called once per route. */
  topics(route: string, limits: HistoryLimits): Topics;
  readonly claims: Claims;
  readonly presence: Presence;
  /** Groups of relays that all nodes share; absent: each relay keeps its own. */
  readonly relays?: Relays;
  /** Absent: no other process shares it. */
  readonly cluster?: Cluster;
  /** Absent: each process has its own. */
  readonly revocations?: SharedRevocations;
  /** Absent: nothing is under way between publish and delivery. */
  readonly traffic?: EngineTraffic;
  health(): EngineHealth;
  /** Idempotent. Nothing is delivered afterwards, no `onLost` is called, and every call is answered as down. */
  close(): Promise<void>;
}
