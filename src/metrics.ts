/**
 * Counters as plain numbers: the message path adds to a field, `/metrics` reads the fields when it is asked.
 * Label values come from the configuration and from fixed lists, never from users, so the number of series is bounded.
 *
 * Accounting of fan-out: due = delivered + dropped + queued, at any moment, per route.
 */
import type { RouteKind } from "./route.ts";

/**
 * Why a message went nowhere: its reader was slow, a newer value took its place, its reader left, the route takes none of its kind,
 * nobody was there, the engine refused it, it waited too long for its partner, its queue was full.
 */
export const DROP_REASONS = [
  "slow",
  "conflated",
  "closed",
  "ignored",
  "absent",
  "refused",
  "expired",
  "full",
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** How recordings end: with their session, at the size a file may have, or because the disk or the folder took no more. */
export const RECORDING_RESULTS = ["whole", "full", "failed"] as const;
export type RecordingResult = (typeof RECORDING_RESULTS)[number];

export interface RouteCounters {
  readonly route: string;
  readonly kind: RouteKind;
  connections: number;
  /** Open event streams (SSE). */
  streams: number;
  opened: number;
  /** By close code; codes outside the table are counted as 0. */
  readonly closed: Map<number, number>;
  received: number;
  receivedBytes: number;
  /** Messages handed to the runtime, and their bytes. */
  sent: number;
  sentBytes: number;
  /** Fan-out: messages times readers, owed and handed over. */
  due: number;
  delivered: number;
  readonly dropped: Record<DropReason, number>;
  /** Commands of clients that lack the right. */
  denied: number;
  /** Clients who came back with a position, or to a stream: all after it was there, or it was not. */
  readonly recoveries: Record<"recovered" | "lost", number>;
  readonly recordings: Record<RecordingResult, number>;
  /** Bytes the runtime still held when their connection ended, from the last look. */
  unflushedBytes: number;
  /** Hooks that threw. */
  errors: number;
}

export function createRouteCounters(route: string, kind: RouteKind): RouteCounters {
  return {
    route,
    kind,
    connections: 0,
    streams: 0,
    opened: 0,
    closed: new Map(),
    received: 0,
    receivedBytes: 0,
    sent: 0,
    sentBytes: 0,
    due: 0,
    delivered: 0,
    dropped: { slow: 0, conflated: 0, closed: 0, ignored: 0, absent: 0, refused: 0, expired: 0, full: 0 },
    denied: 0,
    recoveries: { recovered: 0, lost: 0 },
    recordings: { whole: 0, full: 0, failed: 0 },
    unflushedBytes: 0,
    errors: 0,
  };
}
