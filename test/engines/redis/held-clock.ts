/** A clock, the system's by default, whose timers a test can hold: what would have run meanwhile does not, as in a process that is stopped. */
import { type Clock, systemClock } from "../../../src/clock.ts";

export interface HeldClock {
  readonly clock: Clock;
  stall(): void;
  goOn(): void;
}

export function heldClock(base: Clock = systemClock): HeldClock {
  let isHeld = false;
  const unlessHeld = (run: () => void) => () => {
    if (!isHeld) run();
  };
  return {
    clock: {
      ...base,
      after: (ms, run) => base.after(ms, unlessHeld(run)),
      every: (ms, run) => base.every(ms, unlessHeld(run)),
    },
    stall() {
      isHeld = true;
    },
    goOn() {
      isHeld = false;
    },
  };
}
