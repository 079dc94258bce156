/**
 * The only source of time and timers. Everything that waits takes a Clock, so tests move time instead of sleeping.
 * `now` is monotonic milliseconds: a wall clock that jumps must not close anybody. `wall` is unix milliseconds, for people.
 */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  now(): number;
  wall(): number;
  /** Below 0 is at once: what is due may pass between two looks at the clock. */
  after(ms: number, run: () => void): Timer;
  every(ms: number, run: () => void): Timer;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, run) {
    // The runtime would do the same, and write a warning to stderr.
    const timer = setTimeout(run, Math.max(0, ms));
    return { cancel: () => clearTimeout(timer) };
  },
  every(ms, run) {
    const timer = setInterval(run, ms);
    return { cancel: () => clearInterval(timer) };
  },
};

/** Settles after `ms` or when the signal aborts, whichever is first, and leaves neither timer nor listener. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      timer.cancel();
      // The signal outlives many pauses.
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = clock.after(ms, finish);
    signal.addEventListener("abort", finish);
  });
}
