/**
 * Time for the library. `now` is monotonic milliseconds: a wall clock that is set must not close anything. `wall` counts while a machine
 * sleeps, when `now` may stand still. Tests give a clock of their own.
 */
export interface Clock {
  now(): number;
  wall(): number;
  after(ms: number, run: () => void): { cancel(): void };
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
