/**
 * Notices a link that is dead and does not say so. Browsers show no pings, so after a time without any frame the server is asked, and given up
 * when nothing comes for 10 s. A timer that fires late means that the machine slept or the page was frozen: then the link is asked again,
 * because what has come meanwhile was not read yet.
 */
import type { Clock } from "./timing.ts";

export const ANSWER_MS = 10_000;
const LATE_MS = 2_000;
/** Timers of a hidden page are late every time: that must not keep a dead link for ever. */
const MAX_ASKED = 2;

export interface Liveness {
  /** A frame came: any counts. */
  heard(): void;
  /** Asks now, for example because the network changed. */
  check(): void;
  stop(): void;
}

/** `quiet`: ms without a frame until it asks. */
export function watchLiveness(clock: Clock, quiet: number, ask: () => void, dead: () => void): Liveness {
  let last = clock.now();
  /** Since the last frame. */
  let asked = 0;
  let timer: { cancel(): void };

  const wait = (ms: number) => {
    const due = clock.wall() + ms;
    timer = clock.after(ms, () => look(clock.wall() - due > LATE_MS));
  };
  const check = () => {
    timer.cancel();
    asked += 1;
    ask();
    wait(ANSWER_MS);
  };
  const look = (isLate: boolean) => {
    const silence = clock.now() - last;
    if (isLate && asked < MAX_ASKED) check();
    else if (asked > 0) dead();
    else if (silence >= quiet) check();
    else wait(quiet - silence);
  };
  wait(quiet);
  return {
    check,
    heard() {
      last = clock.now();
      if (asked === 0) return;
      asked = 0;
      timer.cancel();
      wait(quiet);
    },
    stop: () => timer.cancel(),
  };
}
