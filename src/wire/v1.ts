/**
 * fairlead.v1 as types: what stands in its frames. `commands.ts` reads what clients say, `frames.ts` writes what the server says.
 * Times are unix milliseconds, durations milliseconds, all integers at most 2^53 - 1.
 */
import type { Role } from "./envelope.ts";
import type { WireErrorCode } from "./error-codes.ts";

export const PROTOCOL = "fairlead.v1";

/** Topics in the `since` of a pattern: so many histories are read for one subscription. */
export const MAX_SINCE_TOPICS = 64;

/** `epoch`: 1 to 32 of `[A-Za-z0-9_-]`. A topic without messages stands at offset 0. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** A string or bytes as they are; with `json` the text is a JSON value that is no string. */
export interface Payload {
  readonly data: string | Uint8Array;
  readonly json: boolean;
}

/** A client command, checked: whatever is here has the right type and lies within its bounds. */
export type Command = { readonly id?: number | undefined } & (
  | {
      readonly t: "sub";
      /** A topic's name or a pattern. */
      readonly topic: string;
      /** Of a topic: one position. Of a pattern: at most 64, by topic. */
      readonly since?: Position | ReadonlyMap<string, Position> | undefined;
      readonly last?: number | undefined;
      readonly presence: boolean;
    }
  | { readonly t: "unsub"; readonly topic: string }
  | ({
      readonly t: "pub";
      /** Absent: the topic of the path. */
      readonly topic?: string | undefined;
      readonly key?: string | undefined;
      readonly idem?: string | undefined;
      /** Milliseconds since it was first sent; absent the first time. */
      readonly age?: number | undefined;
    } & Payload)
  | {
      readonly t: "who";
      readonly topic: string;
      readonly limit?: number | undefined;
      /** `conn` of the last member of the page before. */
      readonly after?: string | undefined;
    }
  | {
      readonly t: "history";
      readonly topic: string;
      readonly since?: Position | undefined;
      readonly before?: Position | undefined;
      readonly limit?: number | undefined;
    }
  | { readonly t: "auth"; readonly token: string }
  | { readonly t: "ping" }
  /** Echo only. */
  | ({ readonly t: "msg" } & Payload)
  /** The rest: relay only. */
  | {
      readonly t: "join";
      readonly group: string;
      readonly role: Role;
      /** JSON that the partner is shown. */
      readonly info?: string | undefined;
      /** To go on with; absent: a new one. */
      readonly session?: string | undefined;
      /** Of the session: what has been taken. */
      readonly upto?: number | undefined;
      /** Of the session: all receipts up to this `seq` have come. */
      readonly done?: number | undefined;
    }
  | ({
      readonly t: "send";
      readonly idem: string;
      /** Milliseconds that it may wait for the partner; absent: as long as the route allows. */
      readonly ttl?: number | undefined;
      readonly done?: number | undefined;
    } & Payload)
  /** Cumulative: everything up to this `seq` has been taken. */
  | { readonly t: "ack"; readonly upto: number }
  | { readonly t: "leave" }
);

export type CommandName = Command["t"];
export type CommandOf<T extends CommandName> = Extract<Command, { readonly t: T }>;

export interface WireError {
  readonly code: WireErrorCode;
  /** What happened, the value received, how to fix it. */
  readonly message: string;
  /** Milliseconds after which to try again. */
  readonly retry?: number | undefined;
}

/**
 * What a command is answered with: fields beside `t` and `id` of the `ok`, or an error. `okText`: the fields as text, like
 * `"offset":1,"more":false`, where they are many or hold JSON that is text already. `published`: the place of a message.
 * `holds: "secret"`: it must not be compressed. `isNonsense: false`: the client could not know better, whatever its code says, so it does not count towards its end.
 */
export type Answer =
  | { readonly ok: Readonly<Record<string, unknown>> }
  | { readonly okText: string; readonly holds?: "secret" }
  | { readonly published: Position & { readonly topic: string } }
  | { readonly err: WireError; readonly isNonsense?: false };

/** Where a subscription begins. `recovered` only where `since` was sent; `count` old messages follow, then live ones. */
export interface Start extends Position {
  readonly recovered?: boolean | undefined;
  readonly count: number;
}

export type GapReason = "slow" | "expired" | "epoch";

/** Messages that will not come one by one; `epoch` and `offset` are the topic's head. */
export interface Gap extends Position {
  readonly topic: string;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** The newest values among them follow, in order of offset. */
  readonly latest?: boolean | undefined;
  readonly reason: GapReason;
}

/** A message with its place, as events, `history` and event streams carry it. */
export interface PlacedMessage extends Position, Payload {
  readonly topic: string;
  readonly time: number;
  readonly conn?: string | undefined;
  readonly user?: string | undefined;
  readonly key?: string | undefined;
}

export interface Member {
  readonly conn: string;
  readonly user: string | null;
  /** When it joined. */
  readonly since: number;
  /** What the connection told about itself; null when nothing. */
  readonly info: unknown;
}

/** What became of a message in a relay, for good. `unknown`: handed over, and nobody will ever say whether it was taken. */
export type ReceiptState = "delivered" | "expired" | "dropped" | "unknown";

/** Whether a relay's partner is there. */
export type PeerState = "online" | "offline";

export interface Welcome {
  readonly conn: string;
  readonly kind: string;
  readonly user: string | null;
  readonly heartbeat: number;
  readonly maxMessage: number;
  readonly expires?: number | undefined;
  readonly node: string;
  readonly sub?: (Start & { readonly topic: string }) | undefined;
}
