/**
 * The sessions of a relay's v1 peers, by id, while they are connected and for `ttl` after that.
 * Limit: `max` of those whose client is away; one more ends the one that has been away longest, because strangers can leave as
 * many behind as they like.
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
  /** Those who are away, the longest first. */
  const away = new Set<RelaySession>();

  function settle(session: RelaySession): void {
    session.expiry?.cancel();
    session.expiry = undefined;
    away.delete(session);
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
      away.add(session);
      if (ttl > 0) session.expiry = clock.after(ttl, () => expired(session));
      const [oldest] = away;
      if (max > 0 && away.size > max && oldest !== undefined) expired(oldest);
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
