/**
 * A node's lease at one home, which is that of all its peers there, and what is due at the home. Whoever renews sees to what is due, also
 * to what dead nodes left; whoever knows when the next is due looks then.
 * Failure: while Redis is away nothing is renewed, and the lease runs out by this node's own count.
 */
import type { Clock, Timer } from "../../../clock.ts";
import type { RelaySums, RelayTally } from "../../../relays.ts";
import type { Homes } from "../homes.ts";
import type { SweepAnswer } from "./wire.ts";

export interface LeaseOptions {
  readonly clock: Clock;
  readonly homes: Pick<Homes, "now">;
  /** ms */
  readonly lease: number;
  /** Runs the script with a lease of so many ms. */
  readonly call: (lease: number) => Promise<SweepAnswer>;
  readonly counted: (tally: RelayTally) => void;
}

export interface Lease {
  /** By this node's own count, from before it was asked for. */
  readonly runs: boolean;
  /** As of the last renewal. */
  readonly sums: RelaySums;
  /** False: Redis does not answer. */
  renew(): Promise<boolean>;
  /** `at` in unix ms by the clock of Redis; 0: nothing is due. */
  schedule(at: number): void;
  close(): Promise<void>;
}

/** What is due is seen to so much later: clocks differ a little. */
const LATE_MS = 10;

export function createLease({ clock, homes, lease, call, counted }: LeaseOptions): Lease {
  let ends = Number.NEGATIVE_INFINITY;
  let due: { readonly at: number; readonly timer: Timer } | undefined;
  let sums: RelaySums = { groups: 0, away: 0, queued: 0 };
  let isClosed = false;

  function schedule(at: number): void {
    if (at === 0 || isClosed || (due !== undefined && due.at <= at)) return;
    due?.timer.cancel();
    const timer = clock.after(at - homes.now() + LATE_MS, () => {
      due = undefined;
      void renew();
    });
    due = { at, timer };
  }

  async function renew(): Promise<boolean> {
    try {
      for (let isMore = true; isMore && !isClosed; ) {
        const asked = clock.now();
        const [next, more, tally, groups, away, queued] = await call(lease);
        sums = { groups, away, queued };
        ends = asked + lease;
        counted(tally);
        schedule(next);
        isMore = more === 1;
      }
      return true;
    } catch {
      return false;
    }
  }

  return {
    get runs() {
      return clock.now() < ends;
    },
    get sums() {
      return sums;
    },
    renew,
    schedule,
    async close() {
      isClosed = true;
      due?.timer.cancel();
      // Without it the others wait for the lease to end.
      await call(0).catch(() => {});
    },
  };
}
