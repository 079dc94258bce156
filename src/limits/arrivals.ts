/**
 * How many may come in a second: a bucket that fills evenly and holds one second's worth, so a burst of that size is free.
 * One address gets at most a quarter of it, else one flood would shut out everybody. Memory: the addresses that asked in a second.
 */
import type { Clock } from "../clock.ts";

export interface Arrivals {
  /** False: too fast, and nothing was counted. */
  take(address: string): boolean;
  /** One who was let in was nobody after all: the others may have its share of the rate. */
  giveBack(): void;
}

const WINDOW_MS = 1_000;
const SHARES = 4;

/** `perSecond` 0: any number. */
export function createArrivals(perSecond: number, clock: Clock): Arrivals {
  const share = Math.ceil(perSecond / SHARES);
  const came = new Map<string, number>();
  let windowStart = clock.now();
  let left = perSecond;
  let filledAt = windowStart;

  function pass(now: number): void {
    left = Math.min(perSecond, left + ((now - filledAt) * perSecond) / 1000);
    filledAt = now;
    if (now - windowStart < WINDOW_MS) return;
    windowStart = now;
    came.clear();
  }

  return {
    take(address) {
      if (perSecond === 0) return true;
      pass(clock.now());
      const count = came.get(address) ?? 0;
      if (left < 1 || count >= share) return false;
      left -= 1;
      came.set(address, count + 1);
      return true;
    },
    giveBack() {
      left = Math.min(perSecond, left + 1);
    },
  };
}
