/** Keys and tokens for tests. Times are those of a test clock, so nothing here expires by itself. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from "jose";
import type { z } from "zod";
import { type AuthOptions, authOptions } from "../../src/config/auth.ts";
import type { Credentials } from "../../src/identity.ts";
import { testClock } from "../clock.ts";

export const SECRET = "a secret of forty-eight bytes, as all HMAC needs";
/** Unix seconds at which a new test clock stands. */
export const NOW = testClock().wall() / 1_000;
export const FRESH = { exp: NOW + 3_600 };

/** A token as an issuer makes it; HS256 by SECRET, unless told otherwise. */
export function sign(
  claims: JWTPayload & Record<string, unknown> = { sub: "alice", ...FRESH },
  header: Partial<JWTHeaderParameters> & Record<string, unknown> = {},
  key: KeyObject | Uint8Array = Buffer.from(SECRET),
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256", ...header }).sign(key);
}

/** Any three parts, whatever they say; the last is the signature's bytes. */
export function raw(header: unknown, claims: unknown, signature: Uint8Array | string = ""): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part(header)}.${part(claims)}.${Buffer.from(signature).toString("base64url")}`;
}

export interface Pair {
  readonly privateKey: KeyObject;
  readonly pem: string;
  readonly jwk: JWK;
}

const PAIRS = {
  RSA: () => generateKeyPairSync("rsa", { modulusLength: 2_048 }),
  "P-256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  "P-384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  Ed25519: () => generateKeyPairSync("ed25519"),
};

const made = new Map<string, Pair>();

/** A pair of keys of that kind; the same for the same name, because RSA takes its time. */
export function pair(kind: keyof typeof PAIRS, name = ""): Pair {
  const known = made.get(kind + name);
  if (known !== undefined) return known;
  const { publicKey, privateKey } = PAIRS[kind]();
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const found = { privateKey, pem, jwk: publicKey.export({ format: "jwk" }) as JWK };
  made.set(kind + name, found);
  return found;
}

export function shown(headers: Record<string, string> = {}, query = ""): Credentials {
  return {
    headers: new Headers(headers),
    query: new URLSearchParams(query),
    route: "/feed/:topic",
    params: { topic: "a" },
    remoteAddress: "192.0.2.7",
  };
}

export const bearer = (token: string) => shown({ Authorization: `Bearer ${token}` });

export function entry(token: string): string {
  return `fairlead.token.${Buffer.from(token).toString("base64url")}`;
}

export type AuthInput = z.input<typeof authOptions>;
export type Jwt = NonNullable<AuthInput["jwt"]>;

export const auth = (input: AuthInput): AuthOptions => authOptions.parse(input);
