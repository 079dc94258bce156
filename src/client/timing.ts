/**
 * Time for the library. `now` is monotonic milliseconds: a wall clock that is set must not close anything. `wall` counts while a machine
 * sleeps, when `now` may stand still. Tests give a clock of their own.
 */
export interface Clock {
  now(): number;
  wall(): number;
  after(ms: number, run: () => void): { cancel(): void };
}

/** Both at once: by how much either has moved says how long ago it was. */
export interface Moment {
  readonly now: number;
  readonly wall: number;
}

export const momentOf = (clock: Clock): Moment => ({ now: clock.now(), wall: clock.wall() });

/** ms since then. A clock that stood still while the machine slept says too little, so the one that says more is believed. */
export function ageOf(clock: Clock, { now, wall }: Moment): number {
  return Math.max(clock.now() - now, clock.wall() - wall);
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
