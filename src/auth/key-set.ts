/**
 * Public keys that check signatures, from a JWK, a JWKS or PEM. A key is found by the `kid` of a token among these and nowhere else, and only for
 * algorithms of its own kind. Private keys, keys of HMAC and RSA under 2048 bits are passed over.
 */
import { createPublicKey, X509Certificate } from "node:crypto";
import { createLocalJWKSet, type JWK } from "jose";
import { isTable } from "../config/key-path.ts";

export interface KeySet {
  readonly size: number;
  /** Undefined: none of these, or more than one, fits. Never rejects. */
  find(alg: string, kid: string | undefined): Promise<CryptoKey | undefined>;
}

/** Base64url digits of 2048 bits. */
const MIN_MODULUS_LENGTH = 342;
const KINDS = ["RSA", "EC", "OKP"];
const PEM_BLOCK = /-----BEGIN ([A-Z ]+)-----/g;

/** Undefined: this is no set, or holds no key that can be used. */
export function readKeySet(json: unknown): KeySet | undefined {
  const listed = isTable(json) && Array.isArray(json["keys"]) ? json["keys"] : [json];
  const keys = listed.filter(isUsable);
  return keys.length === 0 ? undefined : keySetOf(keys);
}

/** A public key or a certificate. Undefined: it is neither, or more than one. */
export function readPemKey(pem: string): KeySet | undefined {
  const [block, second] = [...pem.matchAll(PEM_BLOCK)].map(([, label = ""]) => label);
  if (block === undefined || second !== undefined) return undefined;
  try {
    const key = block === "CERTIFICATE" ? new X509Certificate(pem).publicKey : createPublicKey(pem);
    return readKeySet(key.export({ format: "jwk" }));
  } catch {
    return undefined; // what it is instead is for whoever named the file to find out
  }
}

function isUsable(key: unknown): key is JWK {
  if (!isTable(key) || !KINDS.includes(String(key["kty"]))) return false;
  if (key["d"] !== undefined) return false;
  return key["kty"] !== "RSA" || String(key["n"]).length >= MIN_MODULUS_LENGTH;
}

function keySetOf(keys: JWK[]): KeySet {
  const [first] = keys;
  // A file with one key that has no name is the key of every token, whatever name that has for it.
  const isNameless = keys.length === 1 && first?.kid === undefined;
  const pick = createLocalJWKSet({ keys });
  return {
    size: keys.length,
    async find(alg, kid) {
      try {
        return await pick(isNameless || kid === undefined ? { alg } : { alg, kid });
      } catch {
        return undefined; // jose says by an error what is an answer here: none, several, or none that can be read
      }
    },
  };
}
