import { expect } from "bun:test";
import { defineScript } from "../../../src/engines/redis/script.ts";
import { sharedRedis, startRedis } from "../../redis-house.ts";
import { requires } from "../../requires.ts";
import { openHomes } from "./homes-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");

const GENERATION = defineScript("return gen");
const ECHO = defineScript("return ARGV[2]");

test("runs a script on a home, and finds the same generation again", async () => {
  using house = await openHomes((await redis()).url);
  const home = house.homes.of("kind", "name");
  const first = await home.run(GENERATION, [], []);
  expect(first).toMatch(/^[A-Za-z0-9_-]{12}$/);
  expect(await house.homes.of("kind", "other").run(GENERATION, [], [])).toBe(first);
  expect(await home.runBinary(ECHO, [], [new Uint8Array([0, 255])])).toEqual(Buffer.from([0, 255]));
});

test("gives a home a new generation, if its server was emptied or started again", async () => {
  await using own = await startRedis();
  using house = await openHomes(own.url, { timeout: 500 });
  const home = house.homes.of("kind", "name");
  const first = await home.run(GENERATION, [], []);
  await own.flush();
  const second = await home.run(GENERATION, [], []);
  const up = new Promise<void>((done) => house.homes.onUp(done));
  await own.restart();
  await up;
  const third = await home.run(GENERATION, [], []);
  expect(new Set([first, second, third]).size).toBe(3);
});

for (const [keeps, isKept] of [
  ["always", true],
  ["everysec", false],
] as const)
  test(`${isKept ? "keeps" : "does not trust"} what a server with appendfsync ${keeps} kept over a kill`, async () => {
    await using own = await startRedis({ keeps });
    using house = await openHomes(own.url);
    const home = house.homes.of("kind", "name");
    const first = await home.run(GENERATION, [], []);
    const up = new Promise<void>((done) => house.homes.onUp(done));
    await own.restart();
    await up;
    expect((await home.run(GENERATION, [], [])) === first).toBe(isKept);
  });

test("tells each listener of a channel, and none that has left", async () => {
  using house = await openHomes((await redis()).url);
  const home = house.homes.of("kind", "name");
  const heard: string[] = [];
  const last = Promise.withResolvers<void>();
  const gone = home.listen("c", (payload) => void heard.push(`gone ${payload}`));
  const stays = home.listen("c", (payload) => {
    heard.push(`stays ${payload}`);
    if (payload.toString() === "2") last.resolve();
  });
  await Promise.all([gone.ready, stays.ready]);
  await home.server.call("PUBLISH", ["c", "1"]);
  await home.server.call("PING", []);
  gone.close();
  await home.server.call("PUBLISH", ["c", "2"]);
  await last.promise;
  expect(heard.filter((line) => line !== "gone 1")).toEqual(["stays 1", "stays 2"]);
});

test("hears a channel again after the server was killed and came back", async () => {
  await using own = await startRedis();
  using house = await openHomes(own.url);
  const home = house.homes.of("kind", "name");
  const heard = Promise.withResolvers<string>();
  await home.listen("c", (payload) => heard.resolve(payload.toString())).ready;
  const up = new Promise<void>((done) => house.homes.onUp(done));
  await own.kill();
  await expect(home.run(ECHO, [], ["x"])).rejects.toMatchObject({ code: "ENGINE_DOWN" });
  await own.restart();
  await up;
  await home.server.call("PUBLISH", ["c", "again"]);
  expect(await heard.promise).toBe("again");
  expect(house.said.map((line) => line.split(":").slice(0, 2).join(":"))).toEqual([
    "redis: up",
    "! redis: down",
    "redis: up",
  ]);
});

test("refuses a call within the timeout, if the server hangs, and works again when it goes on", async () => {
  await using own = await startRedis();
  using house = await openHomes(own.url, { timeout: 200 });
  const home = house.homes.of("kind", "name");
  await home.run(ECHO, [], ["x"]);
  own.stop();
  await expect(home.run(ECHO, [], ["x"])).rejects.toMatchObject({ code: "ENGINE_DOWN" });
  const up = new Promise<void>((done) => house.homes.onUp(done));
  own.cont();
  await up;
  expect(await home.run(ECHO, [], ["x"])).toBe("x");
});

test("spreads names over several servers, the same way whatever their order", async () => {
  await using one = await startRedis();
  await using two = await startRedis();
  using ab = await openHomes([one.url, two.url]);
  using ba = await openHomes([two.url, one.url]);
  const names = Array.from({ length: 40 }, (_, n) => `n${n}`);
  const first = ab.homes.all("kind")[0];
  const last = ba.homes.all("kind")[1];
  const isFirst = names.map((name) => ab.homes.of("kind", name) === first);
  expect(names.map((name) => ba.homes.of("kind", name) === last)).toEqual(isFirst);
  expect(isFirst.filter(Boolean).length).toBeGreaterThan(5);
  expect(isFirst.filter(Boolean).length).toBeLessThan(35);
});

test("refuses to start on a server with another password, and on one that evicts at random", async () => {
  await using locked = await startRedis({
    settings: { maxmemory: "10mb", "maxmemory-policy": "allkeys-lru" },
  });
  await expect(openHomes(locked.url)).rejects.toThrow(
    /engine\.redis: redis:\/\/127.*: maxmemory-policy allkeys-lru/,
  );
  const { port } = await redis();
  await expect(openHomes(`redis://user:hunter2@127.0.0.1:${port}`)).rejects.toThrow(/WRONGPASS/);
});

test("starts without a server, says so, and is up when one comes", async () => {
  await using own = await startRedis();
  await own.kill();
  using house = await openHomes(own.url, { timeout: 100 });
  expect(house.said[0]).toStartWith("! redis: down");
  const up = new Promise<void>((done) => house.homes.onUp(done));
  await own.restart();
  await up;
  expect(house.homes.problem).toBeUndefined();
});

test("runs scripts in the order in which they were sent, if Redis knows some of them already", async () => {
  const { url } = await redis();
  const LAST = defineScript("return redis.call('GET', home .. ':last')");
  const WRITE = defineScript(`redis.call('SET', home .. ':last', ARGV[2]) -- ${crypto.randomUUID()}`);
  using house = await openHomes(url);
  const home = house.homes.of("kind", "name");
  await home.run(LAST, [], []);
  void home.run(WRITE, [], ["new"]);
  expect(await home.run(LAST, [], [])).toBe("new");
});

test("says once why Redis refuses what it is asked, if a right is missing", async () => {
  await using own = await startRedis();
  using house = await openHomes(own.url);
  const home = house.homes.of("kind", "name");
  await home.run(ECHO, [], ["x"]);
  await own.command("ACL", "SETUSER", "default", "-set");
  const write = defineScript("return redis.call('SET', home .. ':k', 'v')");
  for (let n = 0; n < 3; n++)
    await expect(home.run(write, [], [])).rejects.toMatchObject({ code: "ENGINE_DOWN" });
  expect(house.said).toEqual([
    "redis: up",
    expect.stringMatching(/^! redis: a call was refused: .*can't run/),
  ]);
});
