/**
 * Who is in a topic, in this process. Entries past their lease are dropped when somebody looks and at every sweep: nobody is
 * told of the end of a lease, so it needs no timer of its own.
 */
import type { Clock } from "../../clock.ts";
import type { Member, Presence } from "../../engine.ts";
import { downError } from "./down.ts";

interface Entry extends Member {
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

export function createPresence(clock: Clock): MemoryPresence {
  // A Map keeps the order of insertion, which is the order of joining.
  const topics = new Map<string, Map<string, Entry>>();
  let closed = false;

  const remove = (topic: string, members: Map<string, Entry>, conn: string) => {
    members.delete(conn);
    if (members.size === 0) topics.delete(topic);
  };

  const prune = (topic: string, members: Map<string, Entry>) => {
    const now = clock.now();
    for (const entry of members.values()) if (entry.due <= now) remove(topic, members, entry.conn);
  };

  const membersOf = (topic: string): Map<string, Entry> => {
    const members = topics.get(topic) ?? new Map<string, Entry>();
    topics.set(topic, members);
    return members;
  };

  const join = (topic: string, conn: string, lease: number) => {
    if (closed) return;
    const now = clock.now();
    const due = lease > 0 ? now + lease : Number.POSITIVE_INFINITY;
    const members = membersOf(topic);
    const entry = members.get(conn);
    if (entry !== undefined && entry.due > now) {
      entry.due = due;
      return;
    }
    members.delete(conn);
    members.set(conn, { conn, since: clock.wall(), due });
  };

  return {
    join,
    leave(topic, conn) {
      const members = topics.get(topic);
      if (members !== undefined) remove(topic, members, conn);
    },
    async list(topic) {
      if (closed) throw downError();
      const members = topics.get(topic);
      if (members === undefined) return [];
      prune(topic, members);
      return [...members.values()].map(({ conn, since }) => ({ conn, since }));
    },
    get occupied() {
      return topics.size;
    },
    get count() {
      let count = 0;
      for (const members of topics.values()) count += members.size;
      return count;
    },
    sweep() {
      for (const [topic, members] of topics) prune(topic, members);
    },
    close() {
      closed = true;
      topics.clear();
    },
  };
}
