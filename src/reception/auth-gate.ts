/**
 * Who comes in by one route: asks the authenticator, and the route's rules what that somebody may do.
 * Failure: what cannot be checked is refused, 401 where it does not count, 503 where it may count later. Nobody is let in by a mistake.
 */
import { type Access, NOBODY } from "../access.ts";
import type { Authenticator, Credentials, Identity, May, Verdict } from "../identity.ts";
import { refusal } from "../refusals.ts";
import type { Refusal } from "../route.ts";

/** Who is there and what it may do. `waits`: nothing was shown yet, and it may be shown by `auth`. */
export interface Guest {
  readonly identity: Identity;
  readonly may: May;
  readonly waits: boolean;
}
export type Entry = Guest | { readonly refusal: Refusal };

export interface AuthGate {
  /** `canWait`: a client of fairlead.v1, which may show its token after the 101. */
  enter(shown: () => Credentials, canWait: boolean): Entry | Promise<Entry>;
  /** What an `auth` shows. Undefined: tokens are not looked at here. */
  token(token: string, shown: Credentials): Entry | Promise<Entry> | undefined;
  /** Asked again where a check or a dial has taken time. */
  isRevoked(identity: Identity): boolean;
}

export interface AuthGateOptions {
  /** `none`: what is shown is not looked at. */
  readonly mode: "required" | "optional" | "none";
  readonly authenticator: Authenticator | undefined;
  readonly access: Access;
}

const EVERYTHING: May = () => true;
/** Its route asks again when it has shown who it is. */
const WAITING: Guest = { identity: NOBODY, may: EVERYTHING, waits: true };

const NOTHING_SHOWN: Entry = {
  refusal: refusal("unauthorized", "no token was shown; send one as `Authorization: Bearer TOKEN`"),
};

export function createAuthGate({ mode, authenticator, access }: AuthGateOptions): AuthGate {
  const stranger: Guest = { identity: NOBODY, may: access.of(NOBODY), waits: false };

  function entryOf(verdict: Verdict): Entry {
    if ("identity" in verdict) {
      const { identity } = verdict;
      return { identity, may: access.of(identity), waits: false };
    }
    if (verdict.unavailable === true) return { refusal: refusal("auth_unavailable") };
    return { refusal: refusal("unauthorized", verdict.denied) };
  }

  function withNothing(canWait: boolean): Entry {
    if (mode === "optional") return stranger;
    return canWait ? WAITING : NOTHING_SHOWN;
  }

  return {
    enter(shown, canWait) {
      if (mode === "none") return stranger;
      // No valid config comes here; if one did, nobody must come in by it.
      if (authenticator === undefined) return { refusal: refusal("auth_unavailable") };
      const settle = (verdict: Verdict | undefined) =>
        verdict === undefined ? withNothing(canWait) : entryOf(verdict);
      const verdict = authenticator.request(shown());
      return verdict instanceof Promise ? verdict.then(settle) : settle(verdict);
    },
    token(token, shown) {
      if (mode === "none" || authenticator === undefined) return undefined;
      const verdict = authenticator.token(token, shown);
      return verdict instanceof Promise ? verdict.then(entryOf) : entryOf(verdict);
    },
    isRevoked: (identity) => identity.by !== "nothing" && (authenticator?.isRevoked(identity) ?? false),
  };
}
