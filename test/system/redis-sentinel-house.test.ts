import { expect } from "bun:test";
import { startRedisSentinel } from "../redis-sentinel-house.ts";
import { requires } from "../requires.ts";

const test = requires("redis-server");

test("replaces a master that was killed", async () => {
  await using house = await startRedisSentinel();
  const before = await house.master();
  await before.command("SET", "a", "1");
  await before.command("WAIT", "1", "5000");
  await before.kill();
  await house.changed(before);
  const now = await house.master();
  expect(now).not.toBe(before);
  expect(await now.command("GET", "a")).toBe("1");
}, 30_000);

test("has master and replica change places when it is told to", async () => {
  await using house = await startRedisSentinel();
  const before = await house.master();
  await house.failover();
  expect(await house.replica()).toBe(before);
}, 30_000);
