/**
 * Why somebody is not who it says: one list of words, for counters and logs, with what the client is told. Neither ever holds what was shown.
 * Many in one minute are told in one line of level warn, with whoever tried most; the addresses that are counted for it are bounded.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Credentials, Verdict } from "../identity.ts";
import type { Log } from "../log.ts";

const TEXTS = {
  malformed: "what is shown is neither a token nor an API key",
  several: "more than one token is shown; show one",
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

const WINDOW_MS = 60_000;
/** Fewer in a window are everyday: tokens that have just expired. */
const MANY = 60;
/** Addresses that are counted in a window; those past it are told as one. */
const MAX_ADDRESSES = 1_000;

export function createDenials({ clock, log, counts }: DenialsParts): Denials {
  let window: Timer | undefined;
  const attempts = new Map<string, number>();

  function countAttempt(address: string): void {
    const known = attempts.has(address) || attempts.size < MAX_ADDRESSES;
    const counted = known ? address : "others";
    attempts.set(counted, (attempts.get(counted) ?? 0) + 1);
    window ??= clock.after(WINDOW_MS, tell);
  }

  function tell(): void {
    window = undefined;
    const all = [...attempts].sort(([, a], [, b]) => b - a);
    attempts.clear();
    const count = all.reduce((sum, [, each]) => sum + each, 0);
    const [top] = all;
    if (top === undefined || count < MANY) return;
    log.warn({ count, ip: top[0], ofThese: top[1] }, "! many clients are denied");
  }

  return {
    deny(reason, { route, remoteAddress: ip }) {
      counts[reason] += 1;
      countAttempt(ip);
      log.debug({ reason, route, ip }, "! denied");
      const denied = TEXTS[reason];
      return reason === "unavailable" ? { denied, unavailable: true } : { denied };
    },
    dispose: () => window?.cancel(),
  };
}
