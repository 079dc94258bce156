/**
 * The sessions of a relay's v1 peers, by id, while they are connected and for `ttl` after that.
 * Limits: `max` of those whose client is away, and MAX_RECEIPTS of these together; one more ends the one that has been away longest,
 * because strangers can leave as many behind as they like.
 */
import type { Clock } from "../clock.ts";
import type { Connection } from "../connection.ts";
import type { Registration } from "../wire/envelope.ts";
import type { RelaySession } from "./groups.ts";

export interface SessionsOptions {
  readonly clock: Clock;
  /** Milliseconds; 0 = until `max` is reached. */
  readonly ttl: number;
  /** 0 = any number. */
  readonly max: number;
  /** It was away too long: MUST lead to `end`. */
  expired(session: RelaySession): void;
}

/** Some 250 bytes each: 64 MiB, as much as a route's messages take by default. */
export const MAX_RECEIPTS = 256 * 1024;

export interface Sessions {
  readonly away: number;
  /** The session of that id, if it is this user's in this place. */
  find(id: string, place: Registration, user: string | null): RelaySession | undefined;
  /** It speaks over this connection from now on. */
  attach(session: RelaySession, conn: Connection): void;
  /** Its connection has gone. */
  park(session: RelaySession): void;
  end(session: RelaySession): void;
  /** All of them end without a word: the route does. */
  dispose(): void;
}

export function createSessions({ clock, ttl, max, expired }: SessionsOptions): Sessions {
  const all = new Map<string, RelaySession>();
  /** Those who are away, the longest first, with the number of their receipts when they went. */
  const away = new Map<RelaySession, number>();
  let receipts = 0;

  function settle(session: RelaySession): void {
    session.expiry?.cancel();
    session.expiry = undefined;
    receipts -= away.get(session) ?? 0;
    away.delete(session);
  }

  function isCrowded(): boolean {
    return (max > 0 && away.size > max) || receipts > MAX_RECEIPTS;
  }

  return {
    get away() {
      return away.size;
    },
    // An id is 128 random bits and found by its hash: how long that takes says nothing of how much of it was right.
    find(id, { group, role }, user) {
      const session = all.get(id);
      const fits = session?.seat.group === group && session.seat.role === role && session.user === user;
      return fits ? session : undefined;
    },
    attach(session, conn) {
      settle(session);
      all.set(session.id, session);
      session.conn = conn;
    },
    park(session) {
      session.conn = undefined;
      away.set(session, session.receipts.size);
      receipts += session.receipts.size;
      if (ttl > 0) session.expiry = clock.after(ttl, () => expired(session));
      for (const oldest of away.keys()) {
        if (!isCrowded()) break;
        expired(oldest);
      }
    },
    end(session) {
      settle(session);
      session.isOver = true;
      session.conn = undefined;
      all.delete(session.id);
    },
    dispose() {
      for (const session of all.values()) settle(session);
      all.clear();
    },
  };
}
