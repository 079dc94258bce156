/**
 * Notices a link that is dead and does not say so, where the server is never silent for longer. A timer that fires late means that the machine
 * slept or the program was busy: what has come meanwhile was not read yet, so the link gets one more moment.
 */
import type { Clock } from "../timing.ts";

/** Longer than a server is silent, with the way of its word. */
const MOMENT_MS = 7_000;
const LATE_MS = 2_000;

export interface Silence {
  /** Something came. */
  heard(): void;
  /** Wants a sign of life within a moment, for example because the network changed. */
  check(): void;
  stop(): void;
}

/** `dead` is called when nothing was heard for `limit` ms. */
export function watchSilence(clock: Clock, limit: number, dead: () => void): Silence {
  let last = clock.now();
  let spared = false;
  let timer: { cancel(): void };

  const wait = (ms: number) => {
    const due = clock.wall() + ms;
    timer = clock.after(ms, () => look(clock.wall() - due > LATE_MS));
  };
  const look = (isLate: boolean) => {
    const left = last + limit - clock.now();
    if (left > 0) wait(left);
    else if (isLate && !spared) {
      spared = true;
      wait(MOMENT_MS);
    } else dead();
  };
  wait(limit);
  return {
    heard() {
      last = clock.now();
      spared = false;
    },
    check() {
      last = Math.min(last, clock.now() - limit + MOMENT_MS);
      timer.cancel();
      wait(last + limit - clock.now());
    },
    stop: () => timer.cancel(),
  };
}
