/**
 * Why somebody is not who it says: one list of words, for counters and logs, with what the client is told. Neither ever holds what was shown.
 * Many in one minute are told in one line of level warn (attempts.ts).
 */

import type { Clock } from "../clock.ts";
import type { Credentials, Verdict } from "../identity.ts";
import { createAttempts } from "../log/attempts.ts";
import type { Log } from "../log.ts";

const TEXTS = {
  malformed: "what is shown is neither a token nor an API key",
  several: "more than one token or certificate is shown; show one",
  algorithm: "the token is signed by an algorithm that does not count here",
  header: "the token's header names keys or extensions of its own, which never count",
  issuer: "the token is of an issuer that is not known here",
  unknown_key: "the key is not known here",
  signature: "the token's signature is wrong",
  expired: "the token has expired",
  not_yet: "the token is not valid yet",
  audience: "the token is for somebody else",
  claims: "the token's claims cannot be used; `fairlead token check` says why",
  revoked: "this was revoked",
  refused: "the gateway's own rules do not let this client in",
  failed: "who this is could not be checked; the log of the gateway says why",
  unavailable: "who this is cannot be checked now; try again later",
} as const;

export type Denial = keyof typeof TEXTS;
export const DENIALS = Object.keys(TEXTS) as Denial[];

/** What the client is told. */
export function denialText(word: Denial): string {
  return TEXTS[word];
}

/** How often each happened. */
export type DenialCounts = Record<Denial, number>;

export function createDenialCounts(): DenialCounts {
  return Object.fromEntries(DENIALS.map((word) => [word, 0])) as DenialCounts;
}

export interface Denials {
  /** Counts and logs it, and says what the authenticator answers. */
  deny(word: Denial, shown: Credentials): Verdict;
  dispose(): void;
}

interface DenialsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly counts: DenialCounts;
}

export function createDenials({ clock, log, counts }: DenialsParts): Denials {
  const attempts = createAttempts(clock, (many) => log.warn({ ...many }, "! many clients are denied"));

  return {
    deny(reason, { route, remoteAddress: ip }) {
      counts[reason] += 1;
      attempts.count(ip);
      log.debug({ reason, route, ip }, "! denied");
      const denied = TEXTS[reason];
      return reason === "unavailable" ? { denied, unavailable: true } : { denied };
    },
    dispose: attempts.dispose,
  };
}
