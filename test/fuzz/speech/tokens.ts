/** Tokens as an issuer makes them (HS256), and the judge of what may count: made with the secret, over these very bytes. */
import { createHmac } from "node:crypto";
import type { Chance } from "../chance.ts";
import { type Json, mutateBytes, mutateJson, ODD_TEXTS } from "../mutate.ts";

/** Also of the gateway that is fuzzed. */
export const SECRET = "a secret that is known to the fuzzer and its gateway";
/** Unix seconds, in the year 2100. */
const LATE = 4_102_444_800;

const WORDS = [
  ...ODD_TEXTS.filter((word) => word.length < 80),
  ".",
  "..",
  "=",
  "==",
  "-",
  "_",
  "+",
  "/",
  "e30",
  "eyJ",
];

const CLAIMS: readonly Json[] = [
  { sub: "alice", exp: LATE },
  { sub: "bob", exp: LATE, iat: 1, nbf: 1, jti: "t1", aud: ["fairlead", "x"], iss: "me" },
  { sub: "carol", exp: LATE, caps: { "*": { subscribe: ["a.*"], publish: true } }, info: { name: "C" } },
];

export function tokenOf(chance: Chance): string {
  const header: Json = { alg: "HS256", typ: "JWT" };
  const claims = chance.pick(CLAIMS);
  const signed = sign(
    JSON.stringify(chance.is(0.1) ? mutateJson(chance, header) : header),
    JSON.stringify(chance.is(0.5) ? mutateJson(chance, claims) : claims),
  );
  return chance.is(0.3) ? mutateBytes(chance, Buffer.from(signed), WORDS).toString() : signed;
}

/** One that counts until the year 2100. */
export const signedToken = (secret: string) => sign('{"alg":"HS256"}', JSON.stringify(CLAIMS[0]), secret);

function sign(header: string, claims: string, secret = SECRET): string {
  const said = [header, claims].map((part) => Buffer.from(part).toString("base64url")).join(".");
  return `${said}.${signatureOf(said, secret)}`;
}

const signatureOf = (said: string, secret = SECRET) =>
  createHmac("sha256", secret).update(said).digest("base64url");

export function isSigned(token: string): boolean {
  const end = token.lastIndexOf(".");
  return token.split(".").length === 3 && token.slice(end + 1) === signatureOf(token.slice(0, end));
}
