/**
 * Tokens (JWT, RFC 7519, signed as RFC 7515 says). What stands in a token before its signature is checked decides nothing but which of the
 * configured issuers and keys is asked; it never leads anywhere outside. RFC 8725 is the list of what went wrong elsewhere.
 * Never rejects, whatever it is given.
 */
import { compactVerify, decodeJwt, decodeProtectedHeader, errors } from "jose";
import type { Clock } from "../clock.ts";
import { nestsDeeper } from "../wire/json-depth.ts";
import { decodeUtf8 } from "../wire/utf8.ts";
import { type Claims, type Read, readClaims } from "./claims.ts";
import type { Denial } from "./denials.ts";
import type { Issuer } from "./issuer.ts";

export type Checked = Read | { readonly denied: Denial; readonly claim?: undefined };

/** Names of header parameters that bring keys along, or say where they are, or ask for what is not spoken here. */
const NEVER = ["jwk", "jku", "x5u", "x5c", "crit", "b64"];

interface Header {
  readonly alg: string;
  readonly kid: string | undefined;
}

/** What is refused without its signature is refused at once, so that it costs next to nothing. */
export function checkToken(
  token: string,
  issuers: readonly Issuer[],
  clock: Pick<Clock, "wall">,
): Checked | Promise<Checked> {
  const header = readHeader(token);
  if ("denied" in header) return header;
  const issuer = issuerOf(token, issuers);
  if (issuer === undefined) return { denied: "issuer" };
  if (!issuer.algorithms.includes(header.alg)) return { denied: "algorithm" };
  if (issuer.isForged?.(token, header.alg) === true) return { denied: "signature" };
  return checkSigned(token, header, issuer, clock);
}

async function checkSigned(
  token: string,
  { alg, kid }: Header,
  { name, rules, keyFor }: Issuer,
  clock: Pick<Clock, "wall">,
): Promise<Checked> {
  const key = await keyFor(alg, kid);
  if (typeof key === "string") return { denied: key };
  const claims = await verify(token, key, alg);
  if (typeof claims === "string") return { denied: claims };
  if (name !== undefined && claims["iss"] !== name) return { denied: "issuer", claim: "iss" };
  return readClaims(claims, rules, clock.wall());
}

function readHeader(token: string): Header | { readonly denied: Denial } {
  const parts = token.split(".", 4);
  if (parts.length !== 3 || !parts.every(isBase64url)) return { denied: "malformed" };
  const header = attempt(() => decodeProtectedHeader(token));
  if (header === undefined) return { denied: "malformed" };
  const { alg, kid }: { alg?: unknown; kid?: unknown } = header;
  if (NEVER.some((name) => Object.hasOwn(header, name))) return { denied: "header" };
  if (kid !== undefined && typeof kid !== "string") return { denied: "header" };
  return typeof alg === "string" ? { alg, kid } : { denied: "algorithm" };
}

/** RFC 7515 section 2: without padding, and in the one way these bytes are written, so that a token has one text. */
function isBase64url(part: string): boolean {
  return Buffer.from(part, "base64url").toString("base64url") === part;
}

/** Whose token it says it is; where one issuer only is known, its keys decide. */
function issuerOf(token: string, issuers: readonly Issuer[]): Issuer | undefined {
  const [first, second] = issuers;
  if (second === undefined) return first;
  const said = attempt(() => decodeJwt(token))?.iss;
  return said === undefined ? undefined : issuers.find(({ name }) => name === said);
}

async function verify(token: string, key: CryptoKey, alg: string): Promise<Claims | Denial> {
  try {
    const { payload } = await compactVerify(token, key, { algorithms: [alg] });
    return parseClaims(payload) ?? "malformed";
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return "signature";
    return error instanceof errors.JOSEError ? "malformed" : "unknown_key";
  }
}

function parseClaims(payload: Uint8Array): Claims | undefined {
  const text = decodeUtf8(payload);
  if (text === undefined || nestsDeeper(text)) return undefined;
  const claims: unknown = attempt(() => JSON.parse(text));
  return typeof claims === "object" && claims !== null && !Array.isArray(claims)
    ? (claims as Claims)
    : undefined;
}

/** Undefined: it cannot be read, which is an answer here. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
