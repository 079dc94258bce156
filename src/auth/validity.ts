/**
 * How long identities count: whoever holds one past its end is told, and ended `grace` later; whoever holds a revoked one is ended at once.
 * Ends are looked for once a second, on the wall clock, because that is what tokens speak of.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Identity } from "../identity.ts";

/** A connection, or an answer that goes on. */
export interface Holder {
  readonly identity: Identity;
  /** Its identity has ended; it will be ended at `at`, in unix milliseconds, unless it brings a new one. */
  expiring(at: number): void;
  /** MUST NOT throw. */
  end(reason: "expired" | "revoked"): void;
}

/** One holder under one identity. */
interface Entry {
  readonly holder: Holder;
  /** Unix milliseconds after which it is ended. */
  readonly end: number;
  /** The second of the wall clock in which something is due; undefined: never. */
  due: number | undefined;
  isTold: boolean;
}

export interface Validity {
  /** Again for a holder: its identity has changed. */
  hold(holder: Holder): void;
  release(holder: Holder): void;
  /** Ends those whose identity counts no longer, and says how many. */
  revoke(isRevoked: (identity: Identity) => boolean): number;
  stop(): void;
}

const SECOND_MS = 1_000;

export function createValidity(clock: Clock, grace: number): Validity {
  const entries = new Map<Holder, Entry>();
  /** By second, so that a look costs what is due, not what is there. */
  const due = new Map<number, Set<Entry>>();
  let timer: Timer | undefined;

  function schedule(entry: Entry, at: number): void {
    entry.due = Math.ceil(at / SECOND_MS);
    const others = due.get(entry.due) ?? new Set();
    due.set(entry.due, others.add(entry));
    timer ??= clock.every(SECOND_MS, look);
  }

  function unschedule(entry: Entry): void {
    if (entry.due === undefined) return;
    const others = due.get(entry.due);
    others?.delete(entry);
    if (others?.size === 0) due.delete(entry.due);
    entry.due = undefined;
    if (due.size === 0) stop();
  }

  function release(holder: Holder): void {
    const entry = entries.get(holder);
    if (entry === undefined) return;
    entries.delete(holder);
    unschedule(entry);
  }

  function look(): void {
    const now = clock.wall();
    const seconds = [...due.keys()].filter((second) => second * SECOND_MS <= now);
    for (const entry of seconds.flatMap((second) => [...(due.get(second) ?? [])])) act(entry, now);
  }

  function act(entry: Entry, now: number): void {
    const { holder, end } = entry;
    if (entry.isTold || end <= now) {
      release(holder);
      holder.end("expired");
    } else {
      entry.isTold = true;
      unschedule(entry);
      schedule(entry, end);
      holder.expiring(end);
    }
  }

  function stop(): void {
    timer?.cancel();
    timer = undefined;
  }

  return {
    hold(holder) {
      release(holder);
      const { by, expires } = holder.identity;
      if (by === "nothing") return;
      // A token within its tolerance may have ended before it came, and has the whole grace all the same.
      const from = Math.max(expires ?? 0, clock.wall());
      const entry: Entry = { holder, end: from + grace, due: undefined, isTold: false };
      entries.set(holder, entry);
      if (expires !== undefined) schedule(entry, from);
    },
    release,
    revoke(isRevoked) {
      const revoked = [...entries.keys()].filter(({ identity }) => isRevoked(identity));
      for (const holder of revoked) {
        release(holder);
        holder.end("revoked");
      }
      return revoked.length;
    },
    stop,
  };
}
