/**
 * Who asks: what the others see of `auth/`. A request shows one thing, a token, an API key or a certificate; `authorize` of the config may
 * change what comes of it, or stand in for all of them. What is shown and does not count is denied, never passed over.
 * Limit: `pending` checks under way, shared by addresses: `authorize` and an issuer may take seconds, and requests take no place.
 */
import { createApiKeys, isApiKey } from "./auth/api-keys.ts";
import { ownSubject, readSubject } from "./auth/certificate.ts";
import { findToken, isTokenLike } from "./auth/credentials.ts";
import { createDenialCounts, createDenials, type Denial, type DenialCounts } from "./auth/denials.ts";
import { askHook } from "./auth/hook.ts";
import { createIssuer } from "./auth/issuer.ts";
import { type Checked, checkToken } from "./auth/jwt.ts";
import { createRemoteKeys, type Fetch } from "./auth/remote-keys.ts";
import { createRevocations, type Revocations } from "./auth/revocations.ts";
import type { Clock } from "./clock.ts";
import type { AuthOptions } from "./config/auth.ts";
import type { Authenticator, Credentials, Identity, Verdict } from "./identity.ts";
import { createFairBound } from "./limits/fair-bound.ts";
import { holderOf } from "./limits/holder.ts";
import type { Log } from "./log.ts";

export interface AuthenticatorParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Counted here, read by `/metrics`. */
  readonly counts?: DenialCounts;
  /** Whether an address is one of a proxy whose word counts; default: none is. */
  readonly isTrustedProxy?: (peerAddress: string) => boolean;
  readonly fetch?: Fetch;
  /** Default: its own, of nobody else. */
  readonly revocations?: Revocations;
  /** As that of SharedRevocations. */
  readonly settled?: (() => Promise<boolean> | undefined) | undefined;
}

/** Undefined: nothing is shown, or nothing here knows what it is. */
type Checking = Identity | Denial | undefined;
/** What a request shows, or an `auth` command says. */
interface Shown {
  readonly token?: string | undefined;
  readonly inQuery?: boolean;
  readonly certificate?: Identity | undefined;
}

/** @throws FairleadError CONFIG_INVALID when a file of a key cannot be used */
export function createAuthenticator(options: AuthOptions, parts: AuthenticatorParts): Authenticator {
  const { clock, log, counts = createDenialCounts(), isTrustedProxy = () => false } = parts;
  const remote = { clock, log, fetch: parts.fetch ?? fetch };
  const issuers = [options.jwt ?? []]
    .flat()
    .map((jwt) => createIssuer(jwt, (url) => createRemoteKeys(url, remote)));
  const keys = options.keys === undefined ? undefined : createApiKeys(options.keys);
  const { revocations = createRevocations(options.revocations, clock), settled } = parts;
  const denials = createDenials({ clock, log, counts });
  const underWay = createFairBound(options.pending);

  /** Undefined: nothing here knows what such a token is, but `authorize` may. */
  function check(token: string, inQuery: boolean): Checking | Promise<Checking> {
    if (!isTokenLike(token)) return "malformed";
    // A key lives long, and URLs are kept in logs and histories.
    if (isApiKey(token))
      return inQuery ? "malformed" : keys === undefined ? undefined : (keys.check(token) ?? "unknown_key");
    if (issuers.length === 0) return undefined;
    const checked = checkToken(token, issuers, clock);
    return checked instanceof Promise ? checked.then(whoOf) : whoOf(checked);
  }

  async function conclude(
    checking: Checking | Promise<Checking>,
    token: string | undefined,
    credentials: Credentials,
  ) {
    const checked = await checking;
    if (typeof checked === "string") return checked;
    const { authorize, deadline } = options;
    const asked = { ...asRequest(credentials), identity: checked ?? null, token };
    const said = authorize === undefined ? null : await askHook(authorize, asked, { clock, log, deadline });
    // Nobody vouches for a token that nothing here knows.
    if (said === null) return checked ?? (token === undefined ? null : "malformed");
    return said;
  }

  /** Not before it is known whether somebody else has revoked it. */
  async function afterRevocations(outcome: Identity | Denial | null): Promise<Identity | Denial | null> {
    if (outcome === null || typeof outcome === "string") return outcome;
    return (await settled?.()) === false ? "unavailable" : outcome;
  }

  function judge({ token, inQuery = false, certificate }: Shown, credentials: Credentials) {
    const holder = holderOf({ user: null, remoteAddress: credentials.remoteAddress });
    if (!underWay.fits(holder, 1)) return denials.deny("unavailable", credentials);
    const checking = token === undefined ? certificate : check(token, inQuery);
    if (typeof checking === "string") return denials.deny(checking, credentials);
    underWay.take(holder, 1);
    return conclude(checking, token, credentials)
      .then(afterRevocations)
      .catch((error: unknown): Denial => {
        log.error({ route: credentials.route, err: error }, "! a client could not be checked");
        return "failed";
      })
      .then((outcome) => {
        underWay.give(holder, 1);
        return verdictOf(outcome, credentials);
      });
  }

  function verdictOf(outcome: Identity | Denial | null, credentials: Credentials): Verdict | undefined {
    if (outcome === null) return undefined;
    if (typeof outcome === "string") return denials.deny(outcome, credentials);
    return revocations.isRevoked(outcome) ? denials.deny("revoked", credentials) : { identity: outcome };
  }

  function subjectOf({ headers, peerAddress, subject }: Credentials) {
    const { certificate } = options;
    if (certificate === true) return ownSubject(subject);
    if (certificate === undefined || peerAddress === undefined) return undefined;
    return readSubject(headers, certificate.header, isTrustedProxy(peerAddress));
  }

  return {
    request(credentials) {
      const found = findToken(credentials.headers, () => credentials.query, options.query);
      if ("fault" in found) return denials.deny(found.fault, credentials);
      const certificate = subjectOf(credentials);
      if (typeof certificate === "string") return denials.deny(certificate, credentials);
      if (found.token !== undefined && certificate !== undefined) return denials.deny("several", credentials);
      const isBare = found.token === undefined && certificate === undefined;
      if (isBare && options.authorize === undefined) return undefined;
      return judge({ ...found, certificate }, credentials);
    },
    async token(token, credentials) {
      return (await judge({ token }, credentials)) ?? denials.deny("failed", credentials);
    },
    revoke: revocations.revoke,
    isRevoked: revocations.isRevoked,
    dispose() {
      denials.dispose();
      for (const issuer of issuers) issuer.dispose();
    },
  };
}

function whoOf(checked: Checked): Identity | Denial {
  return "identity" in checked ? checked.identity : checked.denied;
}

/** Field by field, because `query` may be read on demand. */
function asRequest({ headers, query, route, params, remoteAddress }: Credentials) {
  return { headers, query, route, params, remoteAddress };
}
