/** Unix time from monotonic time, for one look at a clock per message instead of two. */
import type { Clock } from "../../clock.ts";

/** How late a jump of the wall clock is seen. */
const WALL_MS = 1_000;

/** Unix milliseconds of a monotonic moment. */
export function wallClock(clock: Clock): (now: number) => number {
  let offset = 0;
  let until = Number.NEGATIVE_INFINITY;
  return (now) => {
    if (now >= until) {
      offset = clock.wall() - now;
      until = now + WALL_MS;
    }
    return Math.floor(now + offset);
  };
}
