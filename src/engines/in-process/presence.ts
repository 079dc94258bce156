/**
 * Who is in a topic, in this process. The members of a topic stand in an array in the order of `list`: ids of one node are counted
 * up, so one who joins mostly goes to its end, and a page is a slice.
 * Entries past their lease are dropped when somebody looks and at every sweep, which bounds how late their leave is told.
 */
import type { Clock } from "../../clock.ts";
import type { Member, Presence } from "../../engine.ts";
import { downError, type Report } from "./down.ts";
import { createTelling } from "./telling.ts";

interface Entry {
  readonly member: Member;
  /** Monotonic milliseconds; Infinity without a lease. */
  due: number;
}

export interface MemoryPresence extends Presence {
  /** Topics that have members. */
  readonly occupied: number;
  /** Members of all topics. */
  readonly count: number;
  sweep(): void;
  close(): void;
}

export function createPresence({ clock, report }: { clock: Clock; report: Report }): MemoryPresence {
  const topics = new Map<string, Entry[]>();
  const telling = createTelling(report);
  /** Nobody's lease ends before: without leases, looking costs nothing. */
  let soonest = Number.POSITIVE_INFINITY;
  let closed = false;

  const removeAt = (topic: string, entries: Entry[], at: number) => {
    const [gone] = entries.splice(at, 1);
    if (entries.length === 0) topics.delete(topic);
    if (gone !== undefined)
      telling.tell(topic, { kind: "leave", member: gone.member, total: entries.length });
  };

  const prune = (topic: string, entries: Entry[]) => {
    const now = clock.now();
    if (now < soonest) return;
    for (const entry of entries.filter(({ due }) => due <= now)) {
      const at = placeOf(entries, entry.member.conn);
      if (entries[at] === entry) removeAt(topic, entries, at);
    }
  };

  const join: Presence["join"] = (topic, { conn, user, info }, lease) => {
    if (closed) return;
    const now = clock.now();
    const due = lease > 0 ? now + lease : Number.POSITIVE_INFINITY;
    const present = find(topics.get(topic), conn);
    if (present !== undefined && present.due > now) {
      present.due = due;
      return;
    }
    if (present !== undefined) leave(topic, conn);
    soonest = Math.min(soonest, due);
    const entries = topics.get(topic) ?? [];
    topics.set(topic, entries);
    const member = { conn, user, since: clock.wall(), info };
    entries.splice(placeOf(entries, conn), 0, { member, due });
    telling.tell(topic, { kind: "join", member, total: entries.length });
  };

  const leave = (topic: string, conn: string) => {
    const entries = topics.get(topic);
    if (entries === undefined) return;
    const at = placeOf(entries, conn);
    if (entries[at]?.member.conn === conn) removeAt(topic, entries, at);
  };

  return {
    join,
    leave,
    async list(topic, { after, limit }) {
      if (closed) throw downError();
      const entries = topics.get(topic) ?? [];
      prune(topic, entries);
      const start = after === undefined ? 0 : placeAfter(entries, after);
      const members = entries.slice(start, start + limit).map(({ member }) => member);
      return { members, total: entries.length, complete: start + members.length >= entries.length };
    },
    watch: (topic, changed) => (closed ? { close() {} } : telling.watch(topic, changed)),
    get occupied() {
      return topics.size;
    },
    get count() {
      let count = 0;
      for (const entries of topics.values()) count += entries.length;
      return count;
    },
    sweep() {
      for (const [topic, entries] of topics) prune(topic, entries);
      soonest = earliest(topics.values());
    },
    close() {
      closed = true;
      topics.clear();
      telling.close();
    },
  };
}

function earliest(topics: Iterable<readonly Entry[]>): number {
  let due = Number.POSITIVE_INFINITY;
  for (const entries of topics) for (const entry of entries) due = Math.min(due, entry.due);
  return due;
}

/** Shorter ids first, then by their text: for `PREFIX-COUNT` in base 36 this is the order in which a node gave them. */
const isBefore = (a: string, b: string) => (a.length === b.length ? a < b : a.length < b.length);

/** Index of the first entry that is not before `conn`. */
function placeOf(entries: readonly Entry[], conn: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(entries[middle]?.member.conn ?? "", conn)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function placeAfter(entries: readonly Entry[], conn: string): number {
  const at = placeOf(entries, conn);
  return entries[at]?.member.conn === conn ? at + 1 : at;
}

function find(entries: readonly Entry[] | undefined, conn: string): Entry | undefined {
  const entry = entries?.[placeOf(entries, conn)];
  return entry?.member.conn === conn ? entry : undefined;
}
