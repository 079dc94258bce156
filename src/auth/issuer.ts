/**
 * One issuer of tokens: which algorithms count and which key checks them. HMAC keys are for HMAC and public keys for the others, whatever a token
 * says: its header chooses among these, never beyond. Failure: a file that cannot be used is CONFIG_INVALID, with the option and what to do.
 */
import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import { type JwtOptions, PUBLIC_KEY_ALGORITHMS } from "../config/auth.ts";
import { secretProblem } from "../config/auth-checks.ts";
import { showValue } from "../config/key-path.ts";
import { FairleadError } from "../errors.ts";
import { readRegularFile } from "../regular-file.ts";
import { decodeUtf8 } from "../wire/utf8.ts";
import { type KeySet, readKeySet, readPemKey } from "./key-set.ts";
import type { RemoteKeys } from "./remote-keys.ts";

export interface Issuer {
  /** What `iss` must be; undefined: it is not looked at. */
  readonly name: string | undefined;
  readonly rules: Pick<JwtOptions, "audience" | "tolerance" | "userClaim">;
  readonly algorithms: readonly string[];
  /** Asked for `algorithms` only. Never rejects. */
  keyFor(alg: string, kid: string | undefined): Promise<CryptoKey | "unknown_key" | "unavailable">;
  /** Whether the signature is certainly wrong, told at a twentieth of what it costs to find it right: guessing must be cheap for us. */
  readonly isForged?: (token: string, alg: string) => boolean;
  dispose(): void;
}

type KeyFor = Issuer["keyFor"];
type CreateRemote = (url: string) => RemoteKeys;

/** `remote`: how keys at an address are had. @throws FairleadError CONFIG_INVALID */
export function createIssuer(options: JwtOptions, remote: CreateRemote): Issuer {
  const { secret, secretFile, keyFile, jwks, issuer, ...rules } = options;
  const common = { name: issuer, rules };
  if (jwks !== undefined) {
    const keys = remote(jwks);
    return { ...common, algorithms: publicAlgorithms(options), keyFor: keys.find, dispose: keys.dispose };
  }
  const dispose = () => {};
  if (keyFile !== undefined) {
    const keyFor = ofSet(readKeyFile(keyFile));
    return { ...common, algorithms: publicAlgorithms(options), keyFor, dispose };
  }
  const algorithms = options.algorithms ?? ["HS256"];
  const key = secret ?? readSecretFile("auth.jwt.secretFile", secretFile ?? "", algorithms);
  return { ...common, algorithms, keyFor: ofSecret(key), isForged: forgeryTest(key), dispose };
}

function publicAlgorithms({ algorithms }: JwtOptions): readonly string[] {
  return algorithms ?? PUBLIC_KEY_ALGORITHMS;
}

function ofSet(keys: KeySet): KeyFor {
  return async (alg, kid) => (await keys.find(alg, kid)) ?? "unknown_key";
}

/** Imported once for each algorithm. A secret has no name, so what a token calls it does not matter. */
function ofSecret(secret: string): KeyFor {
  const imported = new Map<string, Promise<CryptoKey>>();
  return (alg) => {
    const key = imported.get(alg) ?? importSecret(secret, alg);
    imported.set(alg, key);
    return key;
  };
}

function forgeryTest(secret: string): NonNullable<Issuer["isForged"]> {
  const key = createSecretKey(Buffer.from(secret));
  return (token, alg) => {
    const end = token.lastIndexOf(".");
    const right = createHmac(alg.replace("HS", "sha"), key).update(token.slice(0, end)).digest();
    const shown = Buffer.from(token.slice(end + 1), "base64url");
    return shown.length !== right.length || !timingSafeEqual(shown, right);
  };
}

function importSecret(secret: string, alg: string): Promise<CryptoKey> {
  const hash = alg.replace("HS", "SHA-");
  return crypto.subtle.importKey("raw", Buffer.from(secret), { name: "HMAC", hash }, false, ["verify"]);
}

/**
 * Its text without the line end that editors add, as `FAIRLEAD_..._FILE` reads it too. `where`: the option that names it.
 * @throws FairleadError CONFIG_INVALID
 */
export function readSecretFile(where: string, file: string, algorithms: readonly string[]): string {
  const secret = readKeyText(where, file).replace(/\r?\n$/, "");
  const problem = secretProblem(secret, algorithms);
  if (problem !== undefined) throw invalid(where, file, `${problem.text}.${problem.hint}`);
  return secret;
}

function readKeyFile(file: string): KeySet {
  const where = "auth.jwt.keyFile";
  const text = readKeyText(where, file);
  if (text.includes("PRIVATE KEY")) {
    const advice = "make a file of the public one with `openssl pkey -pubout`; this one makes tokens";
    throw invalid(where, file, `holds a private key; ${advice}.`);
  }
  const keys = text.includes("-----BEGIN") ? readPemKey(text) : readKeySet(parse(text));
  if (keys !== undefined) return keys;
  const expected = "one public key or certificate in PEM, a JWK, or a set of them (JWKS), RSA with 2048 bits";
  throw invalid(where, file, `holds no key that can be used; expected ${expected}.`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // told as what it is not: a key
  }
}

/** @throws FairleadError CONFIG_INVALID */
export function readKeyText(where: string, file: string): string {
  const read = readRegularFile(file);
  if (typeof read === "string") throw invalid(where, file, read);
  const text = decodeUtf8(read);
  if (text === undefined) throw invalid(where, file, "is not text in UTF-8.");
  return text;
}

function invalid(where: string, file: string, text: string): FairleadError {
  return new FairleadError("CONFIG_INVALID", `${where}: ${showValue(file)} ${text}`);
}
