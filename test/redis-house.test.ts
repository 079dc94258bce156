import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { askRedis } from "./redis-client.ts";
import { sharedRedis, startRedis } from "./redis-house.ts";
import { requires } from "./requires.ts";

const withRedis = requires("redis-server");
const shared = sharedRedis();

withRedis("answers numbers, texts, lists and nothing, and rejects what Redis calls an error", async () => {
  const { command } = await shared();
  expect(await command("SET", "name", "Zoë")).toBe("OK");
  expect(await command("GET", "name")).toBe("Zoë");
  expect(await command("GET", "other")).toBeNull();
  expect(await command("INCR", "count")).toBe(1);
  const large = "x".repeat(300_000);
  await command("RPUSH", "list", "a", large);
  expect(await command("LRANGE", "list", "0", "-1")).toEqual(["a", large]);
  expect(await command("EVAL", "return {1, {'b', false}}", "0")).toEqual([1, ["b", null]]);
  await expect(command("GET", "list")).rejects.toThrow("WRONGTYPE");
});

withRedis("is empty for the next test that asks for it", async () => {
  const { command } = await shared();
  expect(await command("DBSIZE")).toBe(0);
});

withRedis("forgets when it is killed, if it was not told to keep", async () => {
  await using redis = await startRedis();
  await redis.command("SET", "a", "1");
  await redis.kill();
  await expect(redis.command("PING")).rejects.toThrow("ECONNREFUSED");
  await redis.restart();
  expect(await redis.command("GET", "a")).toBeNull();
});

withRedis("keeps what it answered when it is killed, if it was told to", async () => {
  await using redis = await startRedis({ keeps: "always" });
  await redis.command("SET", "a", "1");
  await redis.restart();
  expect(await redis.command("GET", "a")).toBe("1");
  expect(redis.output().match(/Ready to accept/g)).toHaveLength(2);
});

withRedis("does not answer while it is stopped, and does afterwards", async () => {
  await using redis = await startRedis({ settings: { maxmemory: "7mb" } });
  redis.stop();
  await expect(askRedis(redis.port, ["PING"], 0.1)).rejects.toThrow("no answer to PING");
  const answer = redis.command("CONFIG", "GET", "maxmemory");
  redis.cont();
  expect(await answer).toEqual(["maxmemory", "7340032"]);
});

withRedis("leaves no process and no file behind", async () => {
  const redis = await startRedis();
  expect(existsSync(redis.dir)).toBe(true);
  await redis[Symbol.asyncDispose]();
  expect(existsSync(redis.dir)).toBe(false);
  await expect(redis.command("PING")).rejects.toThrow("ECONNREFUSED");
});
