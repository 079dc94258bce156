import { expect, test } from "bun:test";
import { engineProblems } from "../../src/config/engine-checks.ts";
import { validate } from "../../src/config/validate.ts";

const told = (input: unknown) =>
  engineProblems(input).map(({ path, text, hint = "" }) => `${path.join(".")}: ${text}.${hint}`);

test("refuses an engine's file that SQLite would not keep as one", () => {
  const engine = (sqlite: unknown) => told({ engine: { sqlite } });
  expect(engine(":memory:")).toEqual([
    "engine.sqlite: expected the path of a file. Name a file, or write engine: memory.",
  ]);
  expect(engine("file:a.db?mode=ro")[0]).toContain("Give the path alone");
  for (const fine of ["data/fairlead.db", "memory", 5, undefined]) expect(engine(fine)).toEqual([]);
});

test("takes the URLs of a Redis, one or a list, and refuses what leads to none", () => {
  const fine = ["redis://127.0.0.1:6379", "rediss://user:pw@redis.example.com/0", "unix:///run/redis.sock"];
  for (const redis of [...fine, fine]) expect(told({ engine: { redis } })).toEqual([]);
  for (const wrong of ["127.0.0.1:6379", "http://a", "redis://", "redis://a/db", "unix:", ""])
    expect(told({ engine: { redis: [fine[0], wrong] } })).toEqual([
      expect.stringContaining("engine.redis.1: expected the URL of a Redis. Like redis://"),
    ]);
});

test("never shows the URL of a Redis that it refuses, because of the password in it", () => {
  const result = validate({ engine: { redis: "http://user:hunter2@a" }, routes: { "/": { kind: "echo" } } });
  expect(result).toMatchObject({ problems: [{ path: ["engine", "redis"], secret: true }] });
});

test("refuses a Sentinel beside a Cluster, and a timeout or lease of 0", () => {
  const redis = "redis://a";
  expect(told({ engine: { redis, sentinel: "m", cluster: true } })[0]).toContain("cannot stand beside");
  expect(told({ engine: { redis, timeout: 0, lease: "0s" } }).map((text) => text.split(":")[0])).toEqual([
    "engine.timeout",
    "engine.lease",
  ]);
});

test("refuses a database of a Cluster, and a socket where a Cluster or Sentinels are found by host and port", () => {
  const cluster = (redis: unknown) => told({ engine: { redis, cluster: true } });
  for (const fine of ["redis://a", "redis://a/", "redis://a/0", ["redis://a", "redis://b"]])
    expect(cluster(fine)).toEqual([]);
  expect(cluster(["redis://a", "redis://b/2"])).toEqual([
    "engine.redis.1: names a database beside engine.cluster. A Cluster has database 0 only.",
  ]);
  expect(cluster("unix:///run/redis.sock")).toEqual([
    "engine.redis: cannot be a socket beside engine.cluster. Name host and port.",
  ]);
  const sentinel = (redis: string) => told({ engine: { redis, sentinel: "m" } });
  expect(sentinel("redis://a:26379/2")).toEqual([]);
  expect(sentinel("unix:///run/redis.sock")[0]).toContain("cannot be a socket beside engine.sentinel");
  expect(told({ engine: { redis: "redis://a/2" } })).toEqual([]);
});

test("takes as the address of a node what clients can be sent to, without a path", () => {
  for (const fine of ["wss://node-1.example.com", "ws://10.0.0.7:8080", "wss://[::1]:8443/"])
    expect(told({ advertise: fine })).toEqual([]);
  for (const wrong of [
    "node-1",
    "https://a",
    "wss://a/ws",
    "wss://u@a",
    "ws://a?b",
    `ws://${"a".repeat(99)}`,
  ])
    expect(told({ advertise: wrong })[0]).toContain("advertise: expected the address of this node");
});
