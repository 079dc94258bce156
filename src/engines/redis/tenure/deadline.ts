/** A moment that is moved on and on; when it is reached, it is over until it is set again. Also seen late, by whoever asks first. */
import type { Clock, Timer } from "../../../clock.ts";

export interface Deadline {
  /** By now. */
  readonly isAhead: boolean;
  /** Monotonic milliseconds. Only later than it is. */
  extend(to: number): void;
  /** Runs `over` now, if it has been reached and `over` did not run yet. */
  check(): void;
  cancel(): void;
}

export function createDeadline(clock: Clock, over: () => void): Deadline {
  let at = Number.NEGATIVE_INFINITY;
  let timer: Timer | undefined;

  const isSet = () => at !== Number.NEGATIVE_INFINITY;

  function check(): void {
    if (!isSet() || clock.now() < at) return;
    at = Number.NEGATIVE_INFINITY;
    over();
  }

  /** It may have been moved since: then the timer is set anew. */
  function watch(): void {
    timer = clock.after(at - clock.now(), () => {
      timer = undefined;
      check();
      if (isSet()) watch();
    });
  }

  return {
    get isAhead() {
      return clock.now() < at;
    },
    extend(to) {
      at = Math.max(at, to);
      if (timer === undefined) watch();
      check();
    },
    check,
    cancel() {
      at = Number.NEGATIVE_INFINITY;
      timer?.cancel();
      timer = undefined;
    },
  };
}
