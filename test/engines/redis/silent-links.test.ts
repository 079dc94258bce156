/** Links to Redis that die and say nothing: nobody but our own clock can tell. */
import { expect, onTestFinished } from "bun:test";
import { eventually } from "../../calm.ts";
import { sharedRedis } from "../../redis-house.ts";
import { requires } from "../../requires.ts";
import { startProxy } from "../../tcp-proxy.ts";
import { openHomes } from "./homes-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");
const TIMEOUT = 200;

async function way() {
  const proxy = await startProxy((await redis()).port);
  onTestFinished(() => proxy[Symbol.dispose]());
  return proxy;
}

test("is up again, if both links died while they were made", async () => {
  const proxy = await way();
  proxy.hold();
  using house = await openHomes(`redis://${proxy.host}`, { timeout: TIMEOUT });
  expect(house.homes.problem).toBeDefined();
  await eventually("both are there", () => proxy.accepted >= 2);
  proxy.goSilent();
  proxy.flow();
  await eventually("it is up", () => house.homes.problem === undefined);
});

test("is up again soon, if both links died while they were idle", async () => {
  const proxy = await way();
  using house = await openHomes(`redis://${proxy.host}`, { timeout: TIMEOUT });
  expect(house.homes.problem).toBeUndefined();
  const died = performance.now();
  proxy.goSilent();
  await eventually("it is down", () => house.homes.problem !== undefined);
  await eventually("it is up", () => house.homes.problem === undefined);
  // Noticed within two timeouts, each late by a look; and what a busy machine adds.
  expect(performance.now() - died).toBeLessThan(2 * TIMEOUT + TIMEOUT / 2 + 500);
});
