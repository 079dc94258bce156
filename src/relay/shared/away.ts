/**
 * Whose clients left this node with a session to come back to: a revocation ends it at once. Who goes on elsewhere is not this node's any
 * more; the engine knows that.
 * Limits: `ttl`, and `max`, then the oldest are forgotten: nobody goes on with a session without showing who it is anyway.
 */
import type { Identity } from "../../identity.ts";
import type { SharedSeat } from "../../relays.ts";

export interface AwayOptions {
  /** Monotonic ms. */
  readonly now: () => number;
  /** ms; 0 = without end. */
  readonly ttl: number;
  /** 0 = MOST. */
  readonly max: number;
}

export interface Away {
  /** It has left. */
  add(seat: SharedSeat, identity: Identity): void;
  /** As `Route.revoked`. */
  revoked(counts: (identity: Identity) => boolean): void;
}

const MOST = 100_000;

export function createAway({ now, ttl, max }: AwayOptions): Away {
  /** The one that left first first. */
  const all = new Map<SharedSeat, { readonly identity: Identity; readonly since: number }>();

  function prune(): void {
    for (const [seat, { since }] of all) {
      const isOld = ttl > 0 && now() - since > ttl;
      if (!isOld && all.size <= (max || MOST)) return;
      all.delete(seat);
    }
  }

  return {
    add(seat, identity) {
      all.set(seat, { identity, since: now() });
      prune();
    },
    revoked(counts) {
      for (const [seat, { identity }] of all) {
        if (!counts(identity)) continue;
        all.delete(seat);
        seat.endSession();
      }
    },
  };
}
