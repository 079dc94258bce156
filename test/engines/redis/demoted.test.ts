/** A home does not trust a server that was something else meanwhile, whatever its data say. */
import { expect } from "bun:test";
import type { Homes } from "../../../src/engines/redis/homes.ts";
import { defineScript } from "../../../src/engines/redis/script.ts";
import { until } from "../../redis-cluster-house.ts";
import { type RedisHouse, startRedis } from "../../redis-house.ts";
import { requires } from "../../requires.ts";
import { openHomes } from "./homes-house.ts";

const test = requires("redis-server");
const GENERATION = defineScript("return gen");
const TIMEOUT_MS = 200;
const settings = { "repl-diskless-sync-delay": "0" };

const generation = (homes: Homes) => homes.of("kind", "name").run(GENERATION, [], []);
const follow = (replica: RedisHouse, master: RedisHouse) =>
  replica.command("REPLICAOF", "127.0.0.1", String(master.port));
const lead = (server: RedisHouse) => server.command("REPLICAOF", "NO", "ONE");
const inStep = (replica: RedisHouse) =>
  until(async () => {
    const role = await replica.command("ROLE");
    return Array.isArray(role) && role[3] === "connected";
  });
/** Resolves when the engine sees it so. */
const seen = (isSo: () => boolean) => until(async () => isSo());

test("gives a new generation to a server that was made a replica and a master again, if nobody asked it anything meanwhile", async () => {
  await using one = await startRedis({ settings });
  await using two = await startRedis({ settings });
  using house = await openHomes(one.url, { timeout: TIMEOUT_MS });
  const { homes } = house;
  const first = await generation(homes);
  await follow(two, one);
  await inStep(two);
  await lead(two);
  await follow(one, two);
  await seen(() => homes.problem !== undefined);
  expect(homes.problem).toBe("it is a replica, and takes no writes");
  await inStep(one);
  await lead(one);
  await seen(() => homes.problem === undefined);
  expect(await one.command("HGET", "fairlead:{kind}", "gen")).toBe(String(first));
  expect(await generation(homes)).not.toBe(first);
});

test("does not keep a generation because the replica that took over never forgets what it was told", async () => {
  await using one = await startRedis({ keeps: "always", settings });
  await using two = await startRedis({ keeps: "always", settings });
  using before = await openHomes(one.url);
  const first = await generation(before.homes);
  await follow(two, one);
  await inStep(two);
  await one.kill();
  await lead(two);
  using after = await openHomes(two.url);
  expect(await generation(after.homes)).not.toBe(first);
});

test("gives all nodes the same generation, if some still know the server as it was before", async () => {
  await using one = await startRedis({ settings });
  await using two = await startRedis({ settings });
  using early = await openHomes(one.url, { timeout: 60_000 });
  await generation(early.homes);
  await follow(one, two);
  await inStep(one);
  await lead(one);
  using late = await openHomes(one.url);
  const found = await generation(late.homes);
  expect(await generation(early.homes)).toBe(found);
  expect(await generation(late.homes)).toBe(found);
});
