/**
 * The only source of time and timers. Everything that waits takes a Clock, so tests move time instead of sleeping.
 * `now` is monotonic milliseconds: a wall clock that jumps must not close anybody. `wall` is unix milliseconds, for people.
 */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  now(): number;
  /** `now`, but up to 5 ms old: for paths so short that reading the time would be a tenth of them. */
  coarse(): number;
  wall(): number;
  after(ms: number, run: () => void): Timer;
  every(ms: number, run: () => void): Timer;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  coarse: everyFewMs(() => performance.now()),
  wall: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return { cancel: () => clearTimeout(timer) };
  },
  every(ms, run) {
    const timer = setInterval(run, ms);
    return { cancel: () => clearInterval(timer) };
  },
};

const COARSE_MS = 5;

/** Reads again after a while, and only when asked: an idle process has no timer of this. */
function everyFewMs(read: () => number): () => number {
  let value: number | undefined;
  const expire = () => {
    value = undefined;
  };
  return () => {
    if (value !== undefined) return value;
    setTimeout(expire, COARSE_MS);
    value = read();
    return value;
  };
}

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
