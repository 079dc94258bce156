/** `fairlead token check`: who a token or a key says that it is, until when, and what it may do; or why it does not count. */
import { createApiKeys, isApiKey } from "../../auth/api-keys.ts";
import { isTokenLike } from "../../auth/credentials.ts";
import { denialText } from "../../auth/denials.ts";
import { createIssuer } from "../../auth/issuer.ts";
import { type Checked, checkToken } from "../../auth/jwt.ts";
import { createRemoteKeys } from "../../auth/remote-keys.ts";
import { type Clock, systemClock } from "../../clock.ts";
import type { AuthOptions } from "../../config/auth.ts";
import { showValue } from "../../config/key-path.ts";
import { formatDuration } from "../../config/units.ts";
import type { Identity } from "../../identity.ts";
import { createLog } from "../../log.ts";
import { align } from "../try-lines.ts";
import { capsLines } from "./caps.ts";

/** Keys of an issuer that are at an address are fetched, as the gateway would. @throws FairleadError CONFIG_INVALID */
export async function checkAgainst(
  token: string,
  auth: AuthOptions,
  clock: Clock = systemClock,
): Promise<Checked> {
  if (!isTokenLike(token)) return { denied: "malformed" };
  if (isApiKey(token)) {
    const identity = createApiKeys(auth.keys ?? {}).check(token);
    return identity === undefined ? { denied: "unknown_key" } : { identity };
  }
  const log = createLog({ level: "warn", format: "auto" });
  const issuers = [auth.jwt ?? []]
    .flat()
    .map((jwt) => createIssuer(jwt, (url) => createRemoteKeys(url, { clock, log, fetch })));
  const checked = await checkToken(token, issuers, clock);
  for (const issuer of issuers) issuer.dispose();
  return checked;
}

/** What is shown of a token is what an issuer, or somebody who plays one, wrote: escaped. `now`: unix milliseconds. */
export function checkedLines(checked: Checked, now: number): string[] {
  if ("identity" in checked) return align(identityRows(checked.identity, now));
  const where = checked.claim === undefined ? "" : ` (the claim ${showValue(checked.claim)})`;
  return [`does not count: ${denialText(checked.denied)}${where}`];
}

function identityRows(identity: Identity, now: number): string[][] {
  const { user, by, tokenId, issuedAt, expires, caps, info, target, admin } = identity;
  const rights = caps === undefined ? ["what the rules of each route say"] : capsLines(caps);
  return [
    ["user", user === null ? "nobody by name" : showValue(user)],
    ["by", by],
    ...row("id", tokenId, showValue),
    ...row("issued", issuedAt, (time) => `${dateOf(time)} (${sinceText(now - time)})`),
    ["expires", expires === undefined ? "never" : `${dateOf(expires)} (${untilText(expires - now)})`],
    ...row("target", target, showValue),
    ...row("info", info, (value) => escaped(JSON.stringify(value))),
    ...(admin === true ? [["admin", "yes"]] : []),
    ...rights.map((line, at) => [at === 0 ? "may" : "", escaped(line)]),
  ];
}

function row<T>(name: string, value: T | undefined, show: (value: T) => string): string[][] {
  return value === undefined ? [] : [[name, show(value)]];
}

/** What is longer than `showValue` shows. */
function escaped(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

function sinceText(ms: number): string {
  return ms < 1_000 ? "just now" : `${formatAbout(ms)} ago`;
}

function untilText(left: number): string {
  return left > 0 ? `in ${formatAbout(left)}` : "within the tolerance";
}

/** In the largest unit of which there are two. */
function formatAbout(ms: number): string {
  const units = [86_400_000, 3_600_000, 60_000, 1_000];
  const unit = units.find((each) => ms >= 2 * each) ?? 1_000;
  const whole = Math.max(0, Math.floor(ms / unit));
  return unit === 86_400_000 ? `${whole}d` : formatDuration(whole * unit);
}
