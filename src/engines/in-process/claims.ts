/**
 * Names with one holder at most, in this process. Fences come from one counter for all names, so they grow whoever held a name before.
 * A lease ends by the clock: at its timer, or at the first call that sees it overdue when the process was held up.
 */
import type { Clock, Timer } from "../../clock.ts";
import type { Claim, ClaimOptions, Claims } from "../../engine.ts";
import { DOWN, type Report } from "./down.ts";

interface Held {
  readonly name: string;
  readonly holder: string;
  readonly lease: number;
  readonly onLost: ClaimOptions["onLost"];
  /** Monotonic milliseconds; Infinity without a lease. */
  due: number;
  timer: Timer | undefined;
}

export interface MemoryClaims extends Claims {
  readonly count: number;
  close(): void;
}

export function createClaims({ clock, report }: { clock: Clock; report: Report }): MemoryClaims {
  const names = new Map<string, Held>();
  let fence = 0;
  let closed = false;

  const isHeld = (held: Held) => names.get(held.name) === held;

  const lose = (held: Held, reason: "taken" | "expired") => {
    held.timer?.cancel();
    try {
      held.onLost(reason);
    } catch (error) {
      report({ stage: "lost", name: held.name, error });
    }
  };

  /** True: it is over. Renewing only moves `due`; the timer looks again when it fires. */
  const expireIfDue = (held: Held): boolean => {
    const left = held.due - clock.now();
    if (left > 0) return false;
    names.delete(held.name);
    lose(held, "expired");
    return true;
  };

  const watch = (held: Held, ms: number) => {
    held.timer = clock.after(ms, () => {
      if (!expireIfDue(held)) watch(held, held.due - clock.now());
    });
  };

  const hold = (name: string, { holder, lease, onLost }: ClaimOptions): Held => {
    const due = lease > 0 ? clock.now() + lease : Number.POSITIVE_INFINITY;
    const held: Held = { name, holder, lease, onLost, due, timer: undefined };
    names.set(name, held);
    if (lease > 0) watch(held, lease);
    return held;
  };

  const claimOf = (held: Held): Claim => {
    fence += 1;
    return {
      holder: held.holder,
      fence,
      renew() {
        if (!isHeld(held) || expireIfDue(held)) return false;
        if (held.lease > 0) held.due = clock.now() + held.lease;
        return true;
      },
      release() {
        if (!isHeld(held)) return;
        held.timer?.cancel();
        names.delete(held.name);
      },
    };
  };

  return {
    claim(name, options, done) {
      if (closed) return done(DOWN);
      const overdue = names.get(name);
      if (overdue !== undefined) expireIfDue(overdue);
      // Read again: what `onLost` did just now may have given the name to somebody.
      const present = names.get(name);
      if (present !== undefined && !options.takeOver) return done({ takenBy: present.holder });
      const claim = claimOf(hold(name, options));
      if (present !== undefined) lose(present, "taken");
      done(claim);
    },
    get count() {
      return names.size;
    },
    close() {
      closed = true;
      for (const held of names.values()) held.timer?.cancel();
      names.clear();
    },
  };
}
