/** A clock for tests: time stands still until `advance` moves it, and timers run in the order of their due time. */
import type { Clock } from "../src/clock.ts";

interface Pending {
  due: number;
  every: number;
  run: () => void;
}

export interface TestClock extends Clock {
  /** Moves time by `ms` and runs every timer that falls due, each at its own moment. */
  advance(ms: number): void;
  readonly pending: number;
}

export function testClock(start = 1_000_000): TestClock {
  let now = start;
  const timers = new Set<Pending>();
  const add = (timer: Pending) => {
    timers.add(timer);
    return { cancel: () => void timers.delete(timer) };
  };
  return {
    now: () => now,
    wall: () => 1_700_000_000_000 + now,
    after: (ms, run) => add({ due: now + ms, every: 0, run }),
    every: (ms, run) => add({ due: now + ms, every: ms, run }),
    get pending() {
      return timers.size;
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = [...timers].filter((t) => t.due <= end).sort((a, b) => a.due - b.due)[0];
        if (next === undefined) break;
        now = next.due;
        if (next.every > 0) next.due += next.every;
        else timers.delete(next);
        next.run();
      }
      now = end;
    },
  };
}
