/**
 * What the system says of this process's descriptors. The runtime holds a socket that it has closed for up to 4 s if its peer does not close
 * it, and tells nobody. So whoever opens and closes connections fast holds more than are counted, and only the system knows how many.
 * Failure: without /proc (macOS, a locked-down container) the smallest limit in common use counts, and nobody knows how many are open.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { Clock } from "../clock.ts";

const FALLBACK_NOFILE = 1024;
/** How long the runtime holds a closed socket, at most. */
const LINGER_MS = 4_000;
/** Counting takes 15 ms where 5,000 are open. */
const COUNT_MS = 1_000;
/** Above the cap's share: logs, listeners, the engine and lingering sockets are there, too. */
const STRAIN = 0.9;

/** How many this process may open. */
export function nofile(): number {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return match === null ? FALLBACK_NOFILE : Number(match[1]);
  } catch {
    return FALLBACK_NOFILE;
  }
}

/** How many it has open; 0: nobody knows. */
export function openDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}

export interface Lingering {
  /** So many were given back, and may be held a moment longer. */
  add(count: number): void;
  /** Whether those that linger leave none for `count` more, with `room` left under the cap. Asks the system, and only where they may matter. */
  leaveNone(count: number, room: number): boolean;
}

/** `max`: what the process may open. */
export function createLingering(clock: Clock, max: number, open: () => number): Lingering {
  /** Given back in this span of LINGER_MS, and in the one before. */
  let now = 0;
  let before = 0;
  let since = clock.now();
  let countedAt = -COUNT_MS;
  /** How many more may be opened before the system is asked again. */
  let allowance = 0;

  function pass(at: number): void {
    const passed = at - since;
    if (passed < LINGER_MS) return;
    before = passed < 2 * LINGER_MS ? now : 0;
    now = 0;
    since = at;
  }

  return {
    add(count) {
      pass(clock.now());
      now += count;
    },
    leaveNone(count, room) {
      const at = clock.now();
      pass(at);
      if (now + before + count <= room) return false;
      if (at - countedAt >= COUNT_MS) {
        countedAt = at;
        allowance = max * STRAIN - open();
      }
      if (allowance < count) return true;
      allowance -= count;
      return false;
    },
  };
}
