/** What must be the same on all nodes, as one word. */
import { expect, test } from "bun:test";
import { configHash } from "../../src/config/hash.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { parseConfig } from "../../src/config/validate.ts";

const hash = (input: ConfigInput) => configHash(parseConfig(input));

const SECRET = "x".repeat(32);
const base: ConfigInput = {
  engine: { redis: "redis://127.0.0.1" },
  auth: { jwt: { secret: SECRET } },
  routes: { "/room/:name": { kind: "room", maxMessage: "1KiB" }, "/echo": { kind: "echo" } },
};

test("is the same for another order of keys, and for a default that is written out", () => {
  expect(hash(base)).toMatch(/^[A-Za-z0-9_-]{12}$/);
  const turned: ConfigInput = {
    routes: { "/echo": { kind: "echo" }, "/room/:name": { maxMessage: 1024, kind: "room" } },
    auth: { jwt: { secret: SECRET, userClaim: "sub" } },
    engine: { redis: "redis://127.0.0.1", prefix: "fairlead" },
  };
  expect(hash(turned)).toBe(hash(base));
});

test.each<[string, ConfigInput]>([
  ["where it listens", { listen: { port: 1 } }],
  ["its name", { node: "n" }],
  ["its address", { advertise: "ws://n" }],
  ["its log", { log: { level: "debug" } }],
  ["its workers", { workers: 2 }],
  ["what it holds", { limits: { connections: 7 } }],
  ["by which address it reaches Redis", { engine: { redis: "redis://:secret@10.0.0.1" } }],
])("does not depend on what belongs to one node: %s", (_, more) => {
  expect(hash({ ...base, ...more })).toBe(hash(base));
});

test.each<[string, ConfigInput]>([
  ["an option of a route", { routes: { ...base.routes, "/echo": { kind: "echo", maxMessage: 9 } } }],
  ["a route more", { routes: { ...base.routes, "/more": { kind: "echo" } } }],
  ["a secret", { auth: { jwt: { secret: "y".repeat(32) } } }],
  ["no auth", { auth: undefined }],
  ["the engine's prefix", { engine: { redis: "redis://127.0.0.1", prefix: "other" } }],
  ["the lease", { engine: { redis: "redis://127.0.0.1", lease: "20s" } }],
  ["code that decides", { auth: { jwt: { secret: SECRET }, authorize: () => null } }],
])("depends on what nodes share: %s", (_, more) => {
  expect(hash({ ...base, ...more })).not.toBe(hash(base));
});

test("differs by what code says, and by the order of a list", () => {
  const asking = (authorize: () => null | false) => hash({ ...base, auth: { authorize } });
  expect(asking(() => null)).not.toBe(asking(() => false));
  const speaking = (subprotocols: string[]) =>
    hash({ routes: { "/b": { kind: "bridge", target: "h:1", subprotocols } } });
  expect(speaking(["a", "b"])).not.toBe(speaking(["b", "a"]));
});

test("is the same wherever recordings lie", () => {
  const recording = (record: string | undefined) =>
    hash({ routes: { "/b": { kind: "bridge", target: "h:1", ...(record !== undefined && { record }) } } });
  expect(new Set([recording("a"), recording("b/worker-2"), recording(undefined)]).size).toBe(1);
});
