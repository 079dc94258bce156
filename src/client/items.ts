/** What a subscription brings, and what else the server tells, as types. */
import type { GapReason, Member, Position, Start } from "../wire/v1.ts";

export type { Member, Position, Start };

export interface Message extends Position {
  readonly type: "message";
  readonly topic: string;
  /** Any JSON; bytes are a Uint8Array. */
  readonly data: unknown;
  /** Unix milliseconds at which the server gave the offset. */
  readonly time: number;
  /** The connection that published it; absent for sources and HTTP. */
  readonly conn?: string | undefined;
  readonly user?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * Messages that will not come one by one; the stream goes on after `epoch` and `offset`. `unrecovered`: they were published while the
 * connection was away, and the server no longer holds all of them.
 */
export interface Gap extends Position {
  readonly type: "gap";
  readonly topic: string;
  readonly reason: GapReason | "unrecovered";
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** The newest values among them follow. */
  readonly latest?: boolean | undefined;
}

/** Only with `presence: true`. `count` stands for joins and leaves where there are many. */
export type PresenceItem =
  | {
      readonly type: "join" | "leave";
      readonly topic: string;
      readonly conn: string;
      readonly user: string | null;
      readonly total: number;
    }
  | { readonly type: "count"; readonly topic: string; readonly total: number };

export type Item = Message | Gap | PresenceItem;

/** By what was subscribed to, then by topic: JSON that may be kept, and given to `connect` again. */
export type Positions = Readonly<Record<string, Readonly<Record<string, Position>>>>;

/** A frame of the server. Fields are read as the protocol says they are. */
export interface ServerFrame extends Start {
  readonly t: string;
  readonly id?: number;
  readonly topic: string;
  readonly [field: string]: unknown;
}
