/**
 * Notices who has been silent for too long. One timer for any number of members; hearing one of them only sets a flag, so that
 * a message never pays for a clock or a timer.
 *
 * Never early; late by at most 5 % of the timeout and at most 1 s.
 */
import type { Clock, Timer } from "../clock.ts";

/** What the watch needs to remember of a member. Whoever hears it sets `heard`. */
export interface Watched {
  heard: boolean;
  /** Set with `clock.now() + timeout` when the member comes; then kept by the watch. */
  deadline: number;
}

export interface WatchOptions<Member extends Watched> {
  readonly clock: Clock;
  /** Milliseconds; 0 watches nobody. */
  readonly timeout: number;
  /** Read at each look; members may leave meanwhile. */
  readonly members: Iterable<Member>;
  /** Whom we do not listen to cannot be heard: its time stands still. */
  excused(member: Member): boolean;
  silent(member: Member): void;
}

/** Looks until the returned timer is cancelled. */
export function watchSilence<Member extends Watched>(options: WatchOptions<Member>): Timer {
  const { clock, timeout, members } = options;
  if (timeout === 0) return { cancel: () => undefined };
  const interval = lookInterval(timeout);
  let last = clock.now();
  return clock.every(interval, () => {
    const now = clock.now();
    const stoodStill = now - last > 2 * interval;
    last = now;
    // After a stop of the whole process, what members said meanwhile is read first and judged at the next look.
    if (stoodStill) return;
    for (const member of members) look(member, now, options);
  });
}

/** A message is seen by the next look and missed by a later one, so two intervals make the lateness. */
function lookInterval(timeout: number): number {
  return Math.max(1, Math.min(timeout / 40, 500));
}

function look<Member extends Watched>(member: Member, now: number, options: WatchOptions<Member>): void {
  if (member.heard || options.excused(member)) {
    member.heard = false;
    member.deadline = now + options.timeout;
  } else if (now >= member.deadline) {
    options.silent(member);
  }
}
