import { expect } from "bun:test";
import { systemClock } from "../../src/clock.ts";
import type { Cluster } from "../../src/cluster.ts";
import { eventually } from "../calm.ts";
import { LEASE_MS, openNode, type TestNode } from "../engines/redis/cluster-house.ts";
import { sharedRedis, startRedis } from "../redis-house.ts";
import { requires } from "../requires.ts";
import { startProxy } from "../tcp-proxy.ts";

const redis = sharedRedis();
const test = requires("redis-server");

const namesOf = async (cluster: Cluster) => (await cluster.nodes()).map(({ name }) => name).sort();
const seen = (node: TestNode, ...names: string[]) =>
  eventually(`${names} are seen`, async () => (await namesOf(node.cluster)).join() === names.join());
const heardGone = (node: TestNode, count = 1) =>
  eventually(`${count} are gone`, () => node.gone.length >= count);

test("shows all nodes to each of them, with what each says of itself", async () => {
  const { url } = await redis();
  await using a = await openNode(url, "a");
  await using b = await openNode(url, "b");
  await using c = await openNode(url, "c");
  for (const node of [a, b, c]) await seen(node, "a", "b", "c");
  const found = await a.cluster.find(b.cluster.self);
  expect(b.cluster.self).toMatch(/^[A-Za-z0-9_-]{8}$/);
  expect(found).toMatchObject({
    id: b.cluster.self,
    name: "b",
    advertise: "ws://b",
    version: "1.2.3",
    config: "same",
    load: { connections: 3 },
  });
  expect(Math.abs((found?.seenAt ?? 0) - a.homes.now())).toBeLessThan(2 * LEASE_MS);
  expect(found?.startedAt).toBeLessThanOrEqual(found?.seenAt ?? 0);
  expect(await a.cluster.find(a.cluster.self)).toMatchObject({ name: "a" });
  expect(await a.cluster.find("nobody--")).toBeUndefined();
});

test("tells each node once that one has vanished, within two leases", async () => {
  const { url } = await redis();
  // Long enough that a machine with much to do is not late.
  const lease = 900;
  await using a = await openNode(url, "a", { lease });
  await using b = await openNode(url, "b", { lease });
  await using c = await openNode(url, "c", { lease });
  for (const node of [a, b, c]) await seen(node, "a", "b", "c");
  c.vanish();
  const began = performance.now();
  await Promise.all([heardGone(a), heardGone(b)]);
  expect(performance.now() - began).toBeLessThan(2 * lease);
  expect(await a.cluster.find(c.cluster.self)).toBeUndefined();
  // Its entry is swept two leases after it was seen, and that is no second end.
  const home = a.homes.of("cluster", "");
  const isListed = async () =>
    (await home.server.call("HEXISTS", [`${home.base}:nodes`, c.cluster.self])) === 1;
  await eventually("its entry is swept", async () => !(await isListed()));
  await seen(a, "a", "b");
  expect([a.gone, b.gone]).toEqual([[c.cluster.self], [c.cluster.self]]);
});

test("tells others at once of a node that is closed", async () => {
  const { url } = await redis();
  await using a = await openNode(url, "a");
  const b = await openNode(url, "b");
  await seen(a, "a", "b");
  await b[Symbol.asyncDispose]();
  await heardGone(a);
  expect(await a.cluster.find(b.cluster.self)).toBeUndefined();
  expect(await namesOf(a.cluster)).toEqual(["a"]);
  await b.cluster.close();
  expect(a.gone).toEqual([b.cluster.self]);
});

test("counts a node that was stalled as living when it goes on, and did not miss who left", async () => {
  const { url } = await redis();
  await using a = await openNode(url, "a");
  await using b = await openNode(url, "b");
  await using c = await openNode(url, "c");
  for (const node of [a, b, c]) await seen(node, "a", "b", "c");
  b.stall();
  await Promise.all([heardGone(a), heardGone(c)]);
  await seen(a, "a", "c");
  c.vanish();
  await heardGone(a, 2);
  b.goOn();
  await seen(a, "a", "b");
  await heardGone(b);
  expect(a.gone).toEqual([b.cluster.self, c.cluster.self]);
  expect(b.gone).toEqual([c.cluster.self]);
});

test("gives nobody up when Redis is emptied: each node registers again", async () => {
  const house = await redis();
  await using a = await openNode(house.url, "a");
  await using b = await openNode(house.url, "b");
  for (const node of [a, b]) await seen(node, "a", "b");
  await house.flush();
  expect(await a.cluster.find(b.cluster.self)).toMatchObject({ name: "b" });
  const flushed = a.homes.now();
  await eventually("both are seen anew", async () =>
    (await a.cluster.nodes()).every(({ seenAt }) => seenAt > flushed),
  );
  expect(await namesOf(b.cluster)).toEqual(["a", "b"]);
  expect([a.gone, b.gone]).toEqual([[], []]);
});

test("gives nobody up when Redis was away for longer than a lease", async () => {
  await using own = await startRedis();
  await using a = await openNode(own.url, "a");
  await using b = await openNode(own.url, "b");
  for (const node of [a, b]) await seen(node, "a", "b");
  const began = performance.now();
  await own.kill();
  await expect(a.cluster.nodes()).rejects.toMatchObject({ code: "ENGINE_DOWN" });
  await expect(a.cluster.find(b.cluster.self)).rejects.toMatchObject({ code: "ENGINE_DOWN" });
  await eventually("a lease passes", () => performance.now() - began > LEASE_MS);
  await own.restart();
  for (const node of [a, b]) {
    const isUp = async () => (await node.cluster.nodes().catch(() => [])).length === 2;
    await eventually("both are seen again", isUp);
  }
  expect([a.gone, b.gone]).toEqual([[], []]);
});

test("registers again as soon as Redis is back, before its time comes", async () => {
  await using own = await startRedis();
  await using a = await openNode(own.url, "a");
  const home = a.homes.of("cluster", "");
  const isListed = async () => {
    const found = home.server.call("HEXISTS", [`${home.base}:nodes`, a.cluster.self]);
    return (await found.catch(() => 0)) === 1;
  };
  await eventually("it is registered", isListed);
  a.stall();
  await own.restart();
  await eventually("it is registered again", isListed);
});

test("gives up a node that Redis is out of reach for, and takes it back", async () => {
  const { url, port } = await redis();
  using way = await startProxy(port);
  await using a = await openNode(url, "a");
  await using b = await openNode(`redis://${way.host}`, "b", { timeout: 100 });
  for (const node of [a, b]) await seen(node, "a", "b");
  way.isShut = true;
  way.reset();
  await heardGone(a);
  way.isShut = false;
  await seen(a, "a", "b");
  expect(a.gone).toEqual([b.cluster.self]);
  expect(b.gone).toEqual([]);
});

test("tells all others, and not itself, and reports a listener that throws", async () => {
  const { url } = await redis();
  await using a = await openNode(url, "a");
  await using b = await openNode(url, "b");
  await using c = await openNode(url, "c");
  const heard: string[] = [];
  for (const [name, { cluster }] of Object.entries({ a, b, c })) {
    cluster.hear("look", (body, from) => {
      heard.push(`${name} ${body} ${from === a.cluster.self}`);
      if (name === "b") throw new Error("b is broken");
    });
    cluster.hear("other", () => heard.push("never"));
  }
  b.cluster.hear("look", () => heard.push("closed")).close();
  b.cluster.hear("look", () => heard.push("b too"));
  const home = a.homes.of("cluster", "");
  const listeners = async () =>
    (await home.server.call("PUBSUB", ["NUMSUB", `${home.base}:told`])) as unknown[];
  await eventually("all three listen", async () => (await listeners())[1] === 3);
  a.cluster.tell("look", '{"at": "a b\n"}');
  a.cluster.tell("look", "");
  await eventually("all is heard", () => heard.length === 6);
  expect(heard.filter((line) => line.startsWith("c"))).toEqual(['c {"at": "a b\n"} true', "c  true"]);
  expect(heard.filter((line) => line === "b too").length).toBe(2);
  expect(b.faults.map(({ stage, name }) => `${stage} ${name}`)).toEqual(["told look", "told look"]);
});

test("drops a message that is too large, and reports it", async () => {
  await using a = await openNode((await redis()).url, "a");
  a.cluster.tell("look", "x".repeat(64 * 1024 + 1));
  expect(a.faults.map(({ stage, name }) => `${stage} ${name}`)).toEqual(["told look"]);
});

test("goes on when what is to be announced, or who hears of an end, throws", async () => {
  const { url } = await redis();
  await using a = await openNode(url, "a");
  const { cluster } = a;
  let first = true;
  cluster.onGone(() => {
    throw new Error("no");
  });
  const late: string[] = [];
  cluster.onGone((id) => void late.push(id));
  const b = await openNode(url, "b");
  b.cluster.announce(() => {
    if (!first) return { name: "b2", advertise: undefined, version: "", config: "", load: {} };
    first = false;
    throw new Error("not yet");
  });
  await seen(a, "a", "b2");
  await b[Symbol.asyncDispose]();
  await eventually("the end is heard", () => late.length === 1);
  expect(a.faults.map(({ stage, name }) => `${stage} ${name}`)).toEqual([`gone ${b.cluster.self}`]);
  expect(b.faults.map(({ stage }) => stage)).toEqual(["announce"]);
});

test("leaves out what it cannot read of a node of another version", async () => {
  await using a = await openNode((await redis()).url, "a");
  await seen(a, "a");
  const home = a.homes.of("cluster", "");
  const put = (id: string, entry: string) => home.server.call("HSET", [`${home.base}:nodes`, id, entry]);
  await put("newer---", `${a.homes.now()} {"name":"n","load":{"a":1,"b":"x"},"more":[]}`);
  await put("broken--", `${a.homes.now()} {`);
  await put("odd-----", "what");
  const [, newer, ...others] = (await a.cluster.nodes()).toSorted((x, y) => (x.name < y.name ? -1 : 1));
  expect(newer).toMatchObject({
    id: "newer---",
    name: "n",
    advertise: undefined,
    version: "",
    load: { a: 1 },
  });
  expect(others).toEqual([]);
});

test("goes by the clock of Redis: nodes whose clocks are hours apart see each other, also when one is set anew", async () => {
  const { url } = await redis();
  let ahead = 0;
  const wrong = { ...systemClock, wall: () => systemClock.wall() + ahead };
  await using a = await openNode(url, "a");
  await using b = await openNode(url, "b", {}, wrong);
  for (const node of [a, b]) await seen(node, "a", "b");
  ahead = 7_200_000;
  const now = a.cluster.now();
  const isRenewed = async () => (await a.cluster.nodes()).every(({ seenAt }) => seenAt > now + 2 * LEASE_MS);
  await eventually("both have renewed twice", isRenewed);
  for (const node of [a, b]) await seen(node, "a", "b");
  expect(Math.abs(b.cluster.now() - a.cluster.now())).toBeLessThan(LEASE_MS);
  expect([a.gone, b.gone]).toEqual([[], []]);
});
