/**
 * API keys, of which the config holds hashes only. A key is 256 random bits, so nobody finds it by trying, and a slow hash would guard nothing: it
 * is for passwords, which people choose. Every hash is compared with every key that is shown, in constant time.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readCaps } from "../access.ts";
import type { KeyOptions } from "../config/auth.ts";
import { FairleadError } from "../errors.ts";
import type { Identity } from "../identity.ts";

const PREFIX = "fl_";

export interface ApiKeys {
  /** Undefined: none of these has that hash. */
  check(key: string): Identity | undefined;
}

/** No JWT begins so: its first letters are `ey`. */
export function isApiKey(text: string): boolean {
  return text.startsWith(PREFIX);
}

export function createApiKey(): { readonly key: string; readonly hash: string } {
  const key = PREFIX + randomBytes(32).toString("base64url");
  return { key, hash: `sha256:${digestOf(key).toString("hex")}` };
}

/** @throws FairleadError CONFIG_INVALID when rights cannot be read */
export function createApiKeys(options: Readonly<Record<string, KeyOptions>>): ApiKeys {
  const known = Object.entries(options).map(([name, key]) => ({
    digest: Buffer.from(key.hash.slice("sha256:".length), "hex"),
    identity: identityOf(name, key),
  }));
  return {
    check(key) {
      const digest = digestOf(key);
      // All of them, also after a match: how long it takes says nothing of which key it is.
      return known.filter((each) => timingSafeEqual(each.digest, digest))[0]?.identity;
    },
  };
}

function identityOf(name: string, { user, caps, admin }: KeyOptions): Identity {
  const identity: Identity = { user: user ?? null, by: "key", tokenId: name, admin };
  if (caps === undefined) return identity;
  const read = readCaps(caps);
  if (read !== undefined) return { ...identity, caps: read };
  throw new FairleadError("CONFIG_INVALID", `auth.keys.${name}.caps: cannot be read; see docs/auth.md`);
}

function digestOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
