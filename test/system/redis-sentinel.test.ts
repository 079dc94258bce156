/** Masters that Sentinels replace, under traffic of two engines. */
import { expect } from "bun:test";
import { openHomes } from "../engines/redis/homes-house.ts";
import { isOrdered, startTraffic, type Traffic } from "../engines/redis/traffic.ts";
import { freshPrefix, startEngine } from "../engines/redis-house.ts";
import { askRedis } from "../redis-client.ts";
import type { RedisOptions } from "../redis-house.ts";
import { type RedisSentinelHouse, startRedisSentinel } from "../redis-sentinel-house.ts";
import { requires } from "../requires.ts";

const test = requires("redis-server");
const TIMEOUT_MS = 1_000;
/** What the event loop adds on a busy machine. */
const SLACK_MS = 1_500;
const TOPICS = ["a", "b"];

async function withScene(
  redis: RedisOptions,
  run: (house: RedisSentinelHouse, traffic: Traffic) => Promise<void>,
): Promise<void> {
  await using house = await startRedisSentinel({ redis });
  const parts = { redis: { sentinel: house.name, timeout: TIMEOUT_MS, prefix: freshPrefix() } };
  const engines = [];
  for (let n = 0; n < 2; n += 1) engines.push(await startEngine([...house.urls], parts));
  try {
    const traffic = await startTraffic(engines, TOPICS);
    await traffic.passes();
    await run(house, traffic);
    for (const engine of [0, 1])
      for (const topic of TOPICS) {
        const heard = traffic.heard(engine, topic);
        expect(isOrdered(heard)).toBe(true);
        const epochs = new Set(heard.messages.map(({ epoch }) => epoch));
        expect([...epochs]).toEqual([...traffic.epochs(topic)]);
      }
    expect(traffic.doubles()).toEqual([]);
    expect(traffic.longest).toBeLessThan(TIMEOUT_MS + SLACK_MS);
  } finally {
    for (const engine of engines) await engine.close();
  }
}

const hasNewEpoch = (traffic: Traffic, count = 2) =>
  TOPICS.every((topic) => traffic.epochs(topic).length === count);

test(
  "finds the new master when the old one was killed",
  () =>
    withScene({}, async (house, traffic) => {
      const before = await house.master();
      await before.kill();
      await traffic.until(() => hasNewEpoch(traffic));
      await traffic.passes();
      expect(await house.master()).not.toBe(before);
    }),
  60_000,
);

test(
  "follows a failover that an operator asks for",
  () =>
    withScene({}, async (house, traffic) => {
      await Promise.all([house.failover(), traffic.until(() => hasNewEpoch(traffic))]);
      await traffic.passes();
    }),
  60_000,
);

test(
  "leaves a master that hangs, and does not go back when it goes on",
  () =>
    withScene({}, async (house, traffic) => {
      const before = await house.master();
      before.stop();
      await traffic.until(() => hasNewEpoch(traffic));
      before.cont();
      await traffic.passes();
      expect(await house.replica()).toBe(before);
    }),
  60_000,
);

for (const keeps of ["nothing", "always"] as const)
  test(
    `uses no position twice when a replica takes over that lacks the last messages, if servers keep ${keeps}`,
    () =>
      withScene({ keeps }, async (house, traffic) => {
        const before = await house.master();
        const replica = await house.replica();
        replica.stop();
        const count = traffic.heard(0, "a").messages.length;
        await traffic.until(() => traffic.heard(0, "a").messages.length > count + 20);
        await before.kill();
        replica.cont();
        await traffic.until(() => hasNewEpoch(traffic));
        await traffic.passes();
      }),
    60_000,
  );

test("logs in to Sentinels with the password of the URL, and to Redis with engine.password", async () => {
  await using house = await startRedisSentinel();
  for (const server of house.servers)
    await server.command("ACL", "SETUSER", "gate", "on", ">of-redis", "~*", "&*", "+@all");
  for (const url of house.urls)
    await askRedis(Number(new URL(url).port), ["ACL", "SETUSER", "default", ">of-sentinel"]);
  const urls = house.urls.map((url) => url.replace("//", "//gate:of-sentinel@"));
  using own = await openHomes(urls, { sentinel: house.name, password: "of-redis" });
  expect(own.homes.problem).toBeUndefined();
  const clients = String(await house.servers[0]?.command("CLIENT", "LIST"));
  expect(clients).toContain("user=gate");
}, 30_000);
