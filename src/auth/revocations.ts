/**
 * What was taken back before its time: users, whose tokens issued until then count no longer, and single tokens. In memory, bounded in number and
 * time; what nodes share adds to it. Without others a restart forgets it. Looking one up is one or two steps, however many there are.
 */
import type { Clock } from "../clock.ts";
import type { Identity, Revocation } from "../identity.ts";
import type { SharedRevocation } from "../shared-revocations.ts";

export interface Revocations {
  readonly max: number;
  /** False: as many as may be are remembered, and none of them is old enough to go. */
  revoke(what: Revocation): boolean;
  isRevoked(identity: Identity): boolean;
  /** Undefined: it is not remembered. */
  find(what: Revocation): SharedRevocation | undefined;
  all(): readonly SharedRevocation[];
  /** From other nodes, who had room for them. How many say something new. */
  take(several: readonly SharedRevocation[]): number;
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

/** What comes back from other nodes lost a moment on its way. */
const NEWS_MS = 1_000;

export function createRevocations({ max, ttl }: RevocationsOptions, clock: Clock): Revocations {
  const users = new Map<string, Entry>();
  const tokens = new Map<string, Entry>();

  const placeOf = (what: Revocation) =>
    "user" in what ? { entries: users, key: what.user } : { entries: tokens, key: what.tokenId };

  function forgetOld(): void {
    for (const entries of [users, tokens])
      for (const [key, { forgetAt }] of entries) if (forgetAt <= clock.now()) entries.delete(key);
  }

  const find = (entries: Map<string, Entry>, key: string | null | undefined): Entry | undefined => {
    const entry = key === null || key === undefined ? undefined : entries.get(key);
    return entry !== undefined && entry.forgetAt > clock.now() ? entry : undefined;
  };

  const shared = (what: Revocation, { until, forgetAt }: Entry): SharedRevocation => {
    return { what, until, left: forgetAt - clock.now() };
  };

  /** True: it says something new. */
  function learn({ what, until, left }: SharedRevocation): boolean {
    const { entries, key } = placeOf(what);
    const known = find(entries, key);
    const forgetAt = clock.now() + left;
    if (left <= 0 || (known !== undefined && known.until >= until && known.forgetAt + NEWS_MS >= forgetAt))
      return false;
    entries.set(key, {
      until: Math.max(until, known?.until ?? 0),
      forgetAt: Math.max(forgetAt, known?.forgetAt ?? 0),
    });
    return true;
  }

  return {
    max,
    revoke(what) {
      const { entries, key } = placeOf(what);
      const isNew = !entries.has(key);
      if (isNew && users.size + tokens.size >= max) forgetOld();
      if (isNew && users.size + tokens.size >= max) return false;
      entries.set(key, { until: clock.wall(), forgetAt: clock.now() + (ttl || Number.POSITIVE_INFINITY) });
      return true;
    },
    isRevoked({ user, tokenId, issuedAt }) {
      if (find(tokens, tokenId) !== undefined) return true;
      const entry = find(users, user);
      // `iat` counts seconds: a token of the same second counts as one from before.
      return entry !== undefined && (issuedAt === undefined || issuedAt <= entry.until);
    },
    find(what) {
      const { entries, key } = placeOf(what);
      const entry = find(entries, key);
      return entry === undefined ? undefined : shared(what, entry);
    },
    all() {
      forgetOld();
      return [
        ...[...users].map(([user, entry]) => shared({ user }, entry)),
        ...[...tokens].map(([tokenId, entry]) => shared({ tokenId }, entry)),
      ];
    },
    take(several) {
      forgetOld();
      return several.filter(learn).length;
    },
  };
}
