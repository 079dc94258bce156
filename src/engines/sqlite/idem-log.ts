/**
 * The `idem`s of one route: a table in memory to look into, and rows in the file from which it is made again after a restart.
 * After a restart each counts as new: it is kept up to IDEM_TTL_MS longer, and a wall clock that jumped meanwhile drops none.
 */
import type { Clock } from "../../clock.ts";
import { IDEM_MAX, IDEM_TTL_MS, type Position } from "../../engine.ts";
import { createIdemTable } from "../../topics/idem.ts";
import type { Store } from "./store.ts";

/** Rows beyond IDEM_MAX in the file, before they are dropped in one go. */
const SLACK = 10_000;

export type IdemLog = ReturnType<typeof createIdemLog>;

/** `isWhole`: none is missing in the file that was published before. */
export function createIdemLog(clock: Clock, route: number, store: Store, isWhole: boolean) {
  const rows = [...store.idems(route)];
  // As many as there may be: some may have been dropped for want of room.
  const isKnown = isWhole && rows.length < IDEM_MAX;
  const table = createIdemTable<Position>(clock, isKnown ? { since: Number.NEGATIVE_INFINITY } : {});
  for (const { key, epoch, offset } of rows) table.keep(key, { epoch, offset });
  let nth = rows.at(-1)?.nth ?? 0;
  let dropped = 0;
  /** Where the log stood at a sweep: what is before the mark is older than its time. */
  const marks = [{ at: clock.now(), nth }];
  let uncommitted: string[] = [];

  const drop = (upTo: number) => {
    if (upTo <= dropped) return;
    store.dropIdems(route, upTo);
    dropped = upTo;
  };

  return {
    look: table.look,
    add(key: string, { epoch, offset }: Position): void {
      nth += 1;
      store.addIdem(route, nth, key, { epoch, offset });
      table.keep(key, { epoch, offset });
      uncommitted.push(key);
      if (nth - dropped > IDEM_MAX + SLACK) drop(nth - IDEM_MAX);
    },
    confirm(): void {
      if (uncommitted.length > 0) uncommitted = [];
    },
    undo(): void {
      for (const key of uncommitted) table.forget(key);
      uncommitted = [];
    },
    /** Inside a transaction, like `add`. */
    sweep(): void {
      const now = clock.now();
      while (marks[0] !== undefined && now - marks[0].at >= IDEM_TTL_MS) drop(marks.shift()?.nth ?? 0);
      marks.push({ at: now, nth });
    },
  };
}
