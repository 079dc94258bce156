/** Keys of servers: made, hashed, recognised. */
import { expect, test } from "bun:test";
import { createApiKey, createApiKeys, isApiKey } from "../../src/auth/api-keys.ts";
import type { KeyOptions } from "../../src/config/auth.ts";

const options = (hash: string, more: Partial<KeyOptions> = {}): KeyOptions => ({
  hash,
  admin: false,
  ...more,
});

test("a key is 256 random bits behind a prefix, and its hash is what the config takes", () => {
  const { key, hash } = createApiKey();
  expect(key).toMatch(/^fl_[A-Za-z0-9_-]{43}$/);
  expect(hash).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(createApiKey().key).not.toBe(key);
  expect(isApiKey(key)).toBe(true);
});

test("a key is who its entry says, under the entry's name", () => {
  const [ci, ops] = [createApiKey(), createApiKey()];
  const caps = { "*": { publish: ["a.*"] } };
  const keys = createApiKeys({
    ci: options(ci.hash, { user: "builder", caps }),
    ops: options(ops.hash, { admin: true }),
  });
  expect(keys.check(ci.key)).toEqual({ user: "builder", by: "key", tokenId: "ci", admin: false, caps });
  expect(keys.check(ops.key)).toEqual({ user: null, by: "key", tokenId: "ops", admin: true });
});

test("nothing else is a key: another one, one letter off, its hash, any other length", () => {
  const { key, hash } = createApiKey();
  const keys = createApiKeys({ ci: options(hash) });
  const off = key.slice(0, 10) + (key[10] === "A" ? "B" : "A") + key.slice(11);
  const others = [
    createApiKey().key,
    off,
    hash,
    "",
    "fl_",
    key.slice(0, -1),
    `${key}A`,
    key.toUpperCase(),
    ` ${key}`,
  ];
  for (const other of others) expect(keys.check(other)).toBeUndefined();
});

test("no table of keys: none counts", () => {
  expect(createApiKeys({}).check(createApiKey().key)).toBeUndefined();
});

test("every hash is compared, wherever the right one stands (python CVE-2021-33880)", () => {
  const all = Array.from({ length: 5 }, createApiKey);
  const keys = createApiKeys(Object.fromEntries(all.map(({ hash }, at) => [`k${at}`, options(hash)])));
  for (const [at, { key }] of all.entries()) expect(keys.check(key)?.tokenId).toBe(`k${at}`);
});

test("rights that cannot be read are an error of the config, never no limit", () => {
  const caps = { "/x": { publish: ["a*"] } };
  expect(() => createApiKeys({ ci: options(createApiKey().hash, { caps }) })).toThrow("auth.keys.ci.caps");
});
