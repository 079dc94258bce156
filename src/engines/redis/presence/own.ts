/** The members of this node in the topics of one home: what Redis has to have, whatever became of a call. */
import type { Clock, Timer } from "../../../clock.ts";
import type { Member } from "../../../engine.ts";
import { ENTRIES_PER_CALL } from "../tenure/lua.ts";

interface Mine {
  /** `SINCE JSON`, as Redis keeps it. */
  readonly value: string;
  /** Monotonic milliseconds; Infinity without a lease of its own. */
  due: number;
  timer: Timer | undefined;
  /** Redis was told, or should have been. Others wait behind what was asked for before them. */
  isSent: boolean;
}

export interface OwnMembers {
  readonly count: number;
  /** Answers what Redis is to know of it. Undefined: it is there already, and its lease begins anew. */
  add(topic: string, member: Member, lease: number): string | undefined;
  /** False: it is not there. */
  remove(topic: string, conn: string): boolean;
  /** A call with these operations went to Redis, or failed. */
  sent(operations: readonly string[]): void;
  /** Operations that join all that Redis was told of, so many as one call takes at a time. */
  joins(): Iterable<readonly string[]>;
  clear(): void;
}

/** `expired`: the lease of one of them is over; it is still there. */
export function createOwnMembers(clock: Clock, expired: (topic: string, conn: string) => void): OwnMembers {
  const topics = new Map<string, Map<string, Mine>>();

  function watch(topic: string, conn: string, mine: Mine): void {
    if (mine.due === Number.POSITIVE_INFINITY) return;
    mine.timer = clock.after(mine.due - clock.now(), () => {
      mine.timer = undefined;
      if (mine.due <= clock.now()) expired(topic, conn);
      else watch(topic, conn, mine);
    });
  }

  return {
    get count() {
      let count = 0;
      for (const members of topics.values()) count += members.size;
      return count;
    },
    add(topic, { conn, user, since, info }, lease) {
      const due = lease > 0 ? clock.now() + lease : Number.POSITIVE_INFINITY;
      const present = topics.get(topic)?.get(conn);
      if (present !== undefined && present.due > clock.now()) {
        present.due = due;
        if (present.timer === undefined) watch(topic, conn, present);
        return undefined;
      }
      if (present !== undefined) expired(topic, conn);
      const value = `${since} ${JSON.stringify([user, info])}`;
      const mine: Mine = { value, due, timer: undefined, isSent: false };
      const members = topics.get(topic) ?? new Map<string, Mine>();
      topics.set(topic, members.set(conn, mine));
      watch(topic, conn, mine);
      return value;
    },
    remove(topic, conn) {
      const members = topics.get(topic);
      const mine = members?.get(conn);
      if (members === undefined || mine === undefined) return false;
      mine.timer?.cancel();
      members.delete(conn);
      if (members.size === 0) topics.delete(topic);
      return true;
    },
    sent(operations) {
      for (let at = 0; at < operations.length; at += ARGS) {
        const mine = topics.get(operations[at + 1] ?? "")?.get(operations[at + 2] ?? "");
        if (mine !== undefined) mine.isSent = true;
      }
    },
    *joins() {
      let batch: string[] = [];
      for (const [topic, members] of topics)
        for (const [conn, { value, isSent }] of members) {
          if (!isSent) continue;
          batch.push(...joinOf(topic, conn, value));
          if (batch.length < ENTRIES_PER_CALL * ARGS) continue;
          yield batch;
          batch = [];
        }
      if (batch.length > 0) yield batch;
    },
    clear() {
      for (const members of topics.values()) for (const { timer } of members.values()) timer?.cancel();
      topics.clear();
    },
  };
}

/** Arguments of one operation of the script CHANGE. */
export const ARGS = 5;

export const joinOf = (topic: string, conn: string, value: string): string[] => [
  "join",
  topic,
  conn,
  weightOf(conn),
  value,
];

export const leaveOf = (topic: string, conn: string): string[] => ["leave", topic, conn, "", ""];

/** Shorter ids come first, then Redis goes by their text: the order in which a node gave them. */
export const weightOf = (conn: string): string => String(conn.length);

/** `SINCE JSON` as `add` wrote it. */
export function memberOf(conn: string, value: string): Member {
  const at = value.indexOf(" ");
  const [user, info]: [Member["user"], Member["info"]] = JSON.parse(value.slice(at + 1));
  return { conn, user, since: Number(value.slice(0, at)), info };
}
