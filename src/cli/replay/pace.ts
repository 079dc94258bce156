/** When a frame of a recording is due: as it was recorded, or faster or slower, or at once. */
import { type Clock, pause } from "../../clock.ts";

/** Resolves `t` milliseconds of the recording after its start, or when the signal aborts. */
export type Pace = (t: number, signal: AbortSignal) => Promise<void>;

/** The runtime's timers go no further than 2^31 ms; a day is below that. */
const LONGEST_MS = 24 * 60 * 60 * 1_000;

/** `speed`: 2 = twice as fast, 0 = at once. The time begins now; whoever is late catches up. */
export function createPace(clock: Clock, speed: number): Pace {
  if (speed === 0) return async () => undefined;
  const began = clock.now();
  return async (t, signal) => {
    const left = () => began + t / speed - clock.now();
    while (left() > 0 && !signal.aborted) await pause(clock, Math.min(left(), LONGEST_MS), signal);
  };
}
