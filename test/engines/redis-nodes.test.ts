import { expect } from "bun:test";
import type { Message, Position, Topics } from "../../src/engine.ts";
import { encodeBody } from "../../src/engines/redis/topics/body.ts";
import { headsKey, idemKeys, logKey } from "../../src/engines/redis/topics/names.ts";
import { PUBLISH } from "../../src/engines/redis/topics/scripts.ts";
import type { RedisEngine } from "../../src/engines/redis.ts";
import { answerTo, collected, datas, isError, offsets, publish, text } from "../contracts/engine/harness.ts";
import { sharedRedis, startRedis } from "../redis-house.ts";
import { requires } from "../requires.ts";
import { openHomes } from "./redis/homes-house.ts";
import { freshPrefix, startEngine } from "./redis-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");
const LIMITS = { size: 100, ttl: 300_000, bytes: 1_048_576 };

/** A reader that writes down what it is told: messages, and positions that it is to skip to. */
async function read(topics: Topics, topic: string) {
  const told = collected<Message | { readonly skip: Position }>();
  const messages = collected<Message>();
  const begin = Promise.withResolvers<object>();
  const deliver = (message: Message) => {
    told.add(message);
    messages.add(message);
  };
  topics.subscribe(topic, deliver, begin.resolve, (skip) => told.add({ skip }));
  return { at: await begin.promise, told, messages };
}

/** Two nodes on one Redis. */
async function twoNodes(url: string | string[], more = {}) {
  const parts = { redis: { prefix: freshPrefix(), ...more } };
  const engines = [await startEngine(url, parts), await startEngine(url, parts)] as const;
  const [a, b] = engines.map((engine) => engine.topics("/r", LIMITS));
  if (a === undefined || b === undefined) throw new Error("two engines have two routes");
  return {
    engines,
    a,
    b,
    [Symbol.asyncDispose]: async () => void (await Promise.all(engines.map((e) => e.close()))),
  };
}

/** Until it answers again. */
const isUp = async ({ health }: RedisEngine) => {
  while (!health().up) await new Promise(setImmediate);
};

test("delivers what two nodes publish to readers of both, in one order without a hole", async () => {
  await using nodes = await twoNodes((await redis()).url);
  const [here, there] = [await read(nodes.a, "t"), await read(nodes.b, "t")];
  for (let n = 0; n < 200; n++) (n % 2 === 0 ? nodes.a : nodes.b).publish("t", text(String(n)));
  const [one, other] = [await here.messages.take(200), await there.messages.take(200)];
  expect(offsets(one)).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
  expect(datas(other)).toEqual(datas(one));
});

test("answers a publish that is sent again at another node with its first position", async () => {
  await using nodes = await twoNodes((await redis()).url);
  const first = await publish(nodes.a, "t", text("x"), { id: "1" });
  expect(await publish(nodes.b, "t", text("x"), { id: "1" })).toEqual(first);
});

test("fetches what came while Redis had cut its link, and delivers it in order", async () => {
  const { url, command } = await redis();
  await using nodes = await twoNodes(url);
  const reader = await read(nodes.b, "t");
  await publish(nodes.a, "t", text("1"));
  await reader.messages.take(1);
  await command("CLIENT", "KILL", "TYPE", "pubsub");
  for (const data of ["2", "3", "4"]) await publish(nodes.a, "t", text(data));
  expect(datas(await reader.messages.take(4))).toEqual(["1", "2", "3", "4"]);
  expect(reader.told.all.length).toBe(4);
});

/** Publishes and tells nobody: what pub/sub lost on the way to all. */
async function publishUnheard(url: string, prefix: string, data: string): Promise<void> {
  using house = await openHomes(url, { prefix });
  const home = house.homes.of("topics /r", "t");
  const keys = [headsKey(home), logKey(home, "t"), ...idemKeys(home)];
  const bounds = [LIMITS.size, LIMITS.ttl, LIMITS.bytes, 0];
  const body = encodeBody(text(data), data.length);
  await home.run(PUBLISH, keys, [house.homes.now(), "unused", ...bounds, "t", "nobody", "nobody", 1, body]);
}

test("fills a hole before it delivers on, and finds the loss of a last message when it looks", async () => {
  const { url } = await redis();
  const prefix = freshPrefix();
  await using nodes = await twoNodes(url, { prefix });
  const reader = await read(nodes.b, "t");
  await publish(nodes.a, "t", text("1"));
  await publishUnheard(url, prefix, "2");
  await publish(nodes.a, "t", text("3"));
  expect(datas(await reader.messages.take(3))).toEqual(["1", "2", "3"]);
  await publishUnheard(url, prefix, "4");
  await nodes.engines[1].check();
  expect(datas(await reader.messages.take(4))).toEqual(["1", "2", "3", "4"]);
  expect(nodes.engines[1].traffic).toMatchObject({ holes: 2, lost: 0 });
});

test("tells what is in no history any more before it delivers on", async () => {
  const { url } = await redis();
  const prefix = freshPrefix();
  await using nodes = await twoNodes(url, { prefix });
  const reader = await read(nodes.b, "t");
  const { epoch } = await publish(nodes.a, "t", text("1"));
  await reader.messages.take(1);
  for (let n = 2; n <= LIMITS.size + 3; n++) await publishUnheard(url, prefix, String(n));
  await publish(nodes.a, "t", text("last"));
  const told = await reader.told.take(2 + LIMITS.size);
  expect(told[1]).toEqual({ skip: { epoch, offset: 4 } });
  expect(told.at(-1)).toMatchObject({ data: "last", offset: LIMITS.size + 4 });
  expect(nodes.engines[1].traffic).toMatchObject({ lost: 3 });
});

test("tells readers of a new epoch when Redis has lost its data, also if nobody publishes", async () => {
  await using own = await startRedis();
  await using nodes = await twoNodes(own.url);
  const reader = await read(nodes.b, "t");
  const { epoch } = await publish(nodes.a, "t", text("1"));
  await reader.messages.take(1);
  await own.flush();
  await nodes.engines[1].check();
  const [, skipped] = await reader.told.take(2);
  expect(skipped).toMatchObject({ skip: { offset: 0 } });
  const again = await publish(nodes.a, "t", text("2"));
  expect(again.epoch).not.toBe(epoch);
  expect(await reader.messages.take(2)).toMatchObject([{ epoch }, again]);
});

test("refuses publishes while Redis is stopped, says that they may have happened, and goes on afterwards", async () => {
  await using own = await startRedis();
  await using nodes = await twoNodes(own.url, { timeout: 200 });
  const reader = await read(nodes.b, "t");
  await publish(nodes.a, "t", text("1"));
  own.stop();
  expect(await answerTo(nodes.a, "t", text("lost?"))).toMatchObject({ code: "gone" });
  expect(await answerTo(nodes.a, "t", text("no"))).toMatchObject({ code: "engine_down" });
  expect(nodes.engines[0].health()).toMatchObject({ up: false, serves: true });
  own.cont();
  await isUp(nodes.engines[0]);
  await isUp(nodes.engines[1]);
  const { offset } = await publish(nodes.a, "t", text("2"));
  expect((await reader.messages.take(offset)).at(-1)).toMatchObject({ data: "2", offset });
  expect(reader.messages.all.some(({ data }) => data === "no")).toBe(false);
});

test("bounds what waits for Redis in a topic, and answers what is more at once", async () => {
  await using own = await startRedis();
  await using nodes = await twoNodes(own.url, { timeout: 300, pending: 10 });
  await publish(nodes.a, "t", text("1"));
  own.stop();
  const answers = await Promise.all(
    Array.from({ length: 15 }, (_, n) => answerTo(nodes.a, "t", text(String(n)))),
  );
  own.cont();
  const refused = answers.filter((answer) => isError(answer) && answer.text.includes("10 messages of topic"));
  expect(refused.length).toBe(5);
});

test("spreads topics over several servers: one that is down fails alone", async () => {
  await using one = await startRedis();
  await using two = await startRedis();
  await using nodes = await twoNodes([one.url, two.url], { timeout: 200 });
  const names = Array.from({ length: 20 }, (_, n) => `t${n}`);
  for (const name of names) await publish(nodes.a, name, text("x"));
  await two.kill();
  const answers = await Promise.all(names.map((name) => answerTo(nodes.b, name, text("y"))));
  const failed = answers.filter(isError);
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.length).toBeLessThan(names.length);
  for (const answer of answers) if (!isError(answer)) expect(answer.offset).toBe(2);
});
