/**
 * How late the event loop is: something that runs four times a second looks how much later than that it came. What holds up one connection's
 * hook holds up all of them, and shows here first. The most of the last 15 to 30 s counts, so that no scraper has to be quick to see it.
 */
import type { Clock, Timer } from "../clock.ts";

export interface Lag {
  /** ms */
  readonly most: number;
  start(): void;
  stop(): void;
}

const LOOK_MS = 250;
const WINDOW_MS = 15_000;

export function createLag(clock: Clock): Lag {
  let timer: Timer | undefined;
  let lookedAt = 0;
  let windowAt = 0;
  let most = 0;
  let before = 0;

  function look(): void {
    const now = clock.now();
    if (now - windowAt >= WINDOW_MS) {
      before = most;
      most = 0;
      windowAt = now;
    }
    most = Math.max(most, now - lookedAt - LOOK_MS);
    lookedAt = now;
  }

  return {
    get most() {
      return Math.max(most, before);
    },
    start() {
      windowAt = lookedAt = clock.now();
      timer ??= clock.every(LOOK_MS, look);
    },
    stop() {
      timer?.cancel();
      timer = undefined;
    },
  };
}
