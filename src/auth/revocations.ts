/**
 * What was taken back before its time: users, whose tokens issued until then count no longer, and single tokens. In memory, bounded in number and
 * time; a restart forgets them, and each node has its own. Looking one up is one or two steps, however many there are.
 */
import type { Clock } from "../clock.ts";
import type { Identity, Revocation } from "../identity.ts";

export interface Revocations {
  /** False: as many as may be are remembered, and none of them is old enough to go. */
  revoke(what: Revocation): boolean;
  isRevoked(identity: Identity): boolean;
}

interface RevocationsOptions {
  readonly max: number;
  /** Milliseconds; 0 = as long as the process runs. */
  readonly ttl: number;
}

interface Entry {
  /** Unix milliseconds: what was issued later counts. */
  readonly until: number;
  /** On the monotonic clock. */
  readonly forgetAt: number;
}

export function createRevocations({ max, ttl }: RevocationsOptions, clock: Clock): Revocations {
  const users = new Map<string, Entry>();
  const tokens = new Map<string, Entry>();

  function remember(entries: Map<string, Entry>, key: string): boolean {
    const isNew = !entries.delete(key);
    if (isNew && users.size + tokens.size >= max) forgetOld();
    if (isNew && users.size + tokens.size >= max) return false;
    // At the end again, so that the oldest always stand first.
    entries.set(key, { until: clock.wall(), forgetAt: clock.now() + (ttl || Number.POSITIVE_INFINITY) });
    return true;
  }

  function forgetOld(): void {
    for (const entries of [users, tokens]) {
      for (const [key, { forgetAt }] of entries) {
        if (forgetAt > clock.now()) break;
        entries.delete(key);
      }
    }
  }

  const find = (entries: Map<string, Entry>, key: string | null | undefined): Entry | undefined => {
    const entry = key === null || key === undefined ? undefined : entries.get(key);
    return entry !== undefined && entry.forgetAt > clock.now() ? entry : undefined;
  };

  return {
    revoke: (what) => ("user" in what ? remember(users, what.user) : remember(tokens, what.tokenId)),
    isRevoked({ user, tokenId, issuedAt }) {
      if (find(tokens, tokenId) !== undefined) return true;
      const entry = find(users, user);
      // `iat` counts seconds: a token of the same second counts as one from before.
      return entry !== undefined && (issuedAt === undefined || issuedAt <= entry.until);
    },
  };
}
