/**
 * `fairlead token create`: a token as an issuer would make it, for tests, for servers, and for those who have no issuer yet.
 * Failure: USAGE for what makes no token that would count; such a token is never printed. Keys are read from files and the config only.
 */
import { createPrivateKey, type KeyObject, randomBytes } from "node:crypto";
import { SignJWT } from "jose";
import { type Claims, readClaims } from "../../auth/claims.ts";
import { readKeyText, readSecretFile } from "../../auth/issuer.ts";
import type { AuthOptions, JwtOptions } from "../../config/auth.ts";
import { showValue } from "../../config/key-path.ts";
import { parseDuration } from "../../config/units.ts";
import { usage } from "../arguments.ts";
import type { Arguments } from "../command.ts";
import { readCaps } from "./caps.ts";
import { chooseIssuer } from "./issuers.ts";

interface Signing {
  readonly key: KeyObject | Uint8Array;
  readonly alg: string;
}

/** `now`: unix milliseconds. @throws FairleadError USAGE, or CONFIG_INVALID for a file of a key */
export function createToken(args: Arguments, auth: AuthOptions, now: number): Promise<string> {
  const issuer = chooseIssuer(auth, args.given.get("issuer"));
  const claims = claimsOf(args, issuer, Math.floor(now / 1_000));
  const read = readClaims(claims, issuer, now);
  if ("denied" in read) throw usage(`the claim ${read.claim} could not be used; see docs/auth.md`);
  const { key, alg } = signingOf(args, issuer);
  return new SignJWT(claims).setProtectedHeader({ alg, typ: "JWT" }).sign(key);
}

function claimsOf({ given, texts }: Arguments, issuer: JwtOptions, now: number): Claims {
  const caps = readCaps(texts.get("cap") ?? []);
  const audience = given.get("audience") ?? [issuer.audience ?? []].flat()[0];
  const info = given.get("info");
  return withoutAbsent({
    [issuer.userClaim]: given.get("user"),
    iss: given.get("issuer") ?? issuer.issuer,
    aud: audience,
    iat: now,
    exp: now + lifetimeOf(given.get("expires") ?? "1h"),
    jti: given.get("id") ?? randomBytes(12).toString("base64url"),
    caps,
    target: given.get("target"),
    info: info === undefined ? undefined : parseInfo(info),
  });
}

function withoutAbsent(claims: Claims): Claims {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

/** Seconds. */
function lifetimeOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1_000) return Math.floor(ms / 1_000);
  throw usage(`--expires needs a duration from 1s to 24d, like 90s, 15m or 12h, got ${showValue(text)}`);
}

function parseInfo(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw usage(`--info needs JSON, like '{"nick":"Al"}', got ${showValue(text)}`);
  }
}

function signingOf({ given }: Arguments, issuer: JwtOptions): Signing {
  const file = given.get("key-file");
  if (file !== undefined) return ofPrivateKey(file);
  const [alg = "HS256"] = issuer.algorithms ?? [];
  const { secret, secretFile } = issuer;
  if (secret !== undefined) return { key: Buffer.from(secret), alg };
  if (secretFile === undefined)
    throw usage(
      "the config has public keys only, which make no tokens; name the private one with --key-file FILE",
    );
  const where = given.has("secret-file") ? "--secret-file" : "auth.jwt.secretFile";
  return { key: Buffer.from(readSecretFile(where, secretFile, [alg])), alg };
}

function ofPrivateKey(file: string): Signing {
  const text = readKeyText("--key-file", file);
  const key = openPrivateKey(text);
  const alg = key === undefined ? undefined : algorithmOf(key);
  if (key !== undefined && alg !== undefined) return { key, alg };
  throw usage(
    `--key-file: ${showValue(file)} holds no private key that could be used; expected PEM of RSA, P-256, P-384, P-521 or Ed25519, without a password`,
  );
}

function openPrivateKey(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text);
  } catch {
    return undefined; // OpenSSL's own words would name a line of its source
  }
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: "ES256",
  secp384r1: "ES384",
  secp521r1: "ES512",
};

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  if (asymmetricKeyType === "rsa") return "RS256";
  if (asymmetricKeyType === "ed25519") return "EdDSA";
  return CURVES[asymmetricKeyDetails?.namedCurve ?? ""];
}
