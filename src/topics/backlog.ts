/**
 * What a topic keeps while one of its readers lags: the newest messages in the order of delivery, bounded in bytes and number.
 * `all` keeps each message; `latest` keeps the newest of each key, so that an older value gives way to a newer one.
 * Whatever leaves unsent is reported at that moment, so that nobody's queue is counted wrong.
 */
import type { Message } from "../engine.ts";

/** `at`: its place in the topic's deliveries, which grows by 1. Not the offset: that begins again with a new epoch. */
export interface Held {
  readonly at: number;
  readonly message: Message;
}

/** `slow`: there was no room for it. `conflated`: a newer value took its place. */
export type OnLeave = (held: Held, reason: "slow" | "conflated") => void;

export interface Backlog {
  push(held: Held): void;
  /** What is held from this place on, ascending. A copy: pushes and `clear` do not change it. */
  from(at: number): readonly Held[];
  clear(): void;
  /** Bytes of data: at most the bound, unless the newest message alone is larger. */
  readonly bytes: number;
}

/** Half of what the runtime holds for a peer: past that it drops the newest message without telling which reader lost it. */
const MOST_BYTES = 32 * 1024 * 1024;

/** Bytes that may wait for a reader, and in a backlog. */
export function markOf(highWater: number): number {
  return highWater === 0 ? MOST_BYTES : Math.min(highWater, MOST_BYTES);
}

/** A small message costs a kilobyte to hold, whatever its data: 1 MiB of single bytes was 600 MiB. */
const MAX_HELD = 4_096;

/** Keeps every message. They must be pushed without a hole between their places. */
export function createTail(maxBytes: number, onLeave: OnLeave): Backlog {
  // A Map and not an array: what is evicted must not stay reachable until somebody compacts.
  const entries = new Map<number, Held>();
  let first = 0;
  let bytes = 0;

  function evict(): void {
    const oldest = entries.get(first);
    if (oldest === undefined) return;
    entries.delete(first);
    first += 1;
    bytes -= oldest.message.size;
    onLeave(oldest, "slow");
  }

  return {
    push(held) {
      if (entries.size === 0) first = held.at;
      entries.set(held.at, held);
      bytes += held.message.size;
      while ((bytes > maxBytes && entries.size > 1) || entries.size > MAX_HELD) evict();
    },
    from(at) {
      const found: Held[] = [];
      for (let next = Math.max(at, first); ; next += 1) {
        const held = entries.get(next);
        if (held === undefined) return found;
        found.push(held);
      }
    },
    clear() {
      entries.clear();
      bytes = 0;
    },
    get bytes() {
      return bytes;
    },
  };
}

/** Keeps the newest message of each key; messages without a key share one. */
export function createLatest(maxBytes: number, onLeave: OnLeave): Backlog {
  // Insertion order is the order of delivery, because a newer value is deleted and set again.
  const newest = new Map<string | undefined, Held>();
  let last: Held | undefined;
  let bytes = 0;

  function remove(held: Held, reason: "slow" | "conflated"): void {
    newest.delete(held.message.key);
    bytes -= held.message.size;
    onLeave(held, reason);
  }

  return {
    push(held) {
      const older = newest.get(held.message.key);
      if (older !== undefined) remove(older, "conflated");
      newest.set(held.message.key, held);
      last = held;
      bytes += held.message.size;
      for (const oldest of newest.values()) {
        if ((bytes <= maxBytes && newest.size <= MAX_HELD) || oldest === held) break;
        remove(oldest, "slow");
      }
    },
    from(at) {
      // A reader who keeps up asks for the last message only, however many keys there are.
      if (last?.at === at) return [last];
      return [...newest.values()].filter((held) => held.at >= at);
    },
    clear() {
      newest.clear();
      last = undefined;
      bytes = 0;
    },
    get bytes() {
      return bytes;
    },
  };
}
