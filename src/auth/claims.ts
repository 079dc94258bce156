/**
 * The claims of a token whose signature is right become an identity, or the word that says why not. A claim that is there and cannot be used is
 * never passed over: whoever wrote it meant something by it. Times: `exp` MUST be there; all are read on the wall clock, with a tolerance.
 */
import { readCaps } from "../access.ts";
import type { Identity } from "../identity.ts";
import { nestsDeeper } from "../wire/json-depth.ts";
import { isLongerThan } from "../wire/utf8.ts";
import type { Denial } from "./denials.ts";

/** Others get it with every presence event. */
export const MAX_INFO_BYTES = 1_024;
const MAX_TEXT_BYTES = 255;
/** Past it a date is none. */
const MAX_SECONDS = 8.64e12;

export interface ClaimRules {
  readonly userClaim: string;
  readonly audience?: string | readonly string[] | undefined;
  /** Milliseconds. */
  readonly tolerance: number;
}

export type Claims = Readonly<Record<string, unknown>>;
/** `claim`: the one that is at fault. */
export type Read = { readonly identity: Identity } | { readonly denied: Denial; readonly claim: string };

export function readClaims(claims: Claims, rules: ClaimRules, now: number): Read {
  const fault =
    shapeFault(claims, rules) ??
    timeFault(claims, rules.tolerance, now) ??
    audienceFault(claims, rules.audience);
  return fault ?? { identity: identityOf(claims, rules) };
}

/** What each claim must be, where it is there. */
function shapeFault(claims: Claims, { userClaim }: ClaimRules): Read | undefined {
  const checks: readonly (readonly [name: string, isUsable: (value: unknown) => boolean])[] = [
    ["exp", isTime],
    ["nbf", isTime],
    ["iat", isTime],
    ["jti", isText],
    [userClaim, isText],
    ["target", isText],
    ["caps", (value) => readCaps(value) !== undefined],
    ["info", isInfo],
  ];
  const wrong = checks.find(([name, isUsable]) => claims[name] !== undefined && !isUsable(claims[name]));
  const claim = wrong?.[0] ?? (claims["exp"] === undefined ? "exp" : undefined);
  return claim === undefined ? undefined : { denied: "claims", claim };
}

function timeFault({ exp, nbf, iat }: Claims, tolerance: number, now: number): Read | undefined {
  if (millis(exp) + tolerance <= now) return { denied: "expired", claim: "exp" };
  if (nbf !== undefined && millis(nbf) - tolerance > now) return { denied: "not_yet", claim: "nbf" };
  if (iat !== undefined && millis(iat) - tolerance > now) return { denied: "not_yet", claim: "iat" };
  return undefined;
}

function audienceFault({ aud }: Claims, wanted: ClaimRules["audience"]): Read | undefined {
  if (wanted === undefined) return undefined;
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const isForUs = [wanted].flat().some((each) => named.includes(each));
  return isForUs ? undefined : { denied: "audience", claim: "aud" };
}

function identityOf(claims: Claims, { userClaim }: ClaimRules): Identity {
  const { jti, iat, exp, caps, info, target } = claims;
  return {
    user: textOf(claims[userClaim]) ?? null,
    by: "token",
    expires: millis(exp),
    ...(jti === undefined ? {} : { tokenId: textOf(jti) }),
    ...(iat === undefined ? {} : { issuedAt: millis(iat) }),
    ...(caps === undefined ? {} : { caps: readCaps(caps) }),
    ...(info === undefined ? {} : { info }),
    ...(target === undefined ? {} : { target: textOf(target) }),
  };
}

function millis(seconds: unknown): number {
  return Math.round(Number(seconds) * 1_000);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function isTime(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= MAX_SECONDS;
}

/** Stands in logs, in answers to other clients, and in what is compared. */
export function isText(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value !== "" &&
    value.isWellFormed() &&
    !isLongerThan(value, MAX_TEXT_BYTES) &&
    !/\p{Cc}/u.test(value)
  );
}

/** @throws TypeError on what turns in a circle, which no token can hold */
export function isInfo(value: unknown): boolean {
  const text: string | undefined = JSON.stringify(value);
  return text !== undefined && !nestsDeeper(text) && !isLongerThan(text, MAX_INFO_BYTES);
}
