/**
 * The sessions of a relay's v1 peers, by id, while they are connected and for `ttl` after that.
 * Limits: `max` of those whose client is away, and MAX_RECEIPTS of these together; past them one of whoever has left the most ends
 * (limits/shares.ts), because strangers can leave as many behind as they like.
 */
import type { Clock } from "../clock.ts";
import type { Connection } from "../connection.ts";
import type { Identity } from "../identity.ts";
import { holderOf } from "../limits/holder.ts";
import { createShares } from "../limits/shares.ts";
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
  /** Somebody else has its place and is about to end it: until then it waits as one more than `max`. */
  outlive(session: RelaySession): void;
  /** Those that wait for somebody who counts no longer end. */
  revoked(counts: (identity: Identity) => boolean): void;
  end(session: RelaySession): void;
  /** All of them end without a word: the route does. */
  dispose(): void;
}

export function createSessions({ clock, ttl, max, expired }: SessionsOptions): Sessions {
  const all = new Map<string, RelaySession>();
  /** Those whose client is away, and who that was. They weigh as many receipts as they had when it went. */
  const away = new Map<RelaySession, Identity>();
  const shares = createShares<RelaySession>({ max, total: MAX_RECEIPTS });

  function settle(session: RelaySession): void {
    session.expiry?.cancel();
    session.expiry = undefined;
    away.delete(session);
    shares.delete(session);
  }

  function wait(session: RelaySession): void {
    const { conn } = session;
    if (conn === undefined) return;
    session.conn = undefined;
    away.set(session, conn.identity);
    shares.add(session, holderOf(conn), session.receipts.size);
    if (ttl > 0) session.expiry = clock.after(ttl, () => expired(session));
  }

  function relieve(): void {
    for (let excess = shares.excess(); excess !== undefined; excess = shares.excess()) expired(excess);
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
      wait(session);
      relieve();
    },
    outlive(session) {
      relieve();
      wait(session);
    },
    revoked(counts) {
      for (const [session, identity] of [...away]) if (counts(identity)) expired(session);
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
