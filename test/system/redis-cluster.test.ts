/** Masters that die, change places and give slots away, under traffic of two engines. */
import { expect } from "bun:test";
import { systemClock } from "../../src/clock.ts";
import { slotOf } from "../../src/engines/redis/cluster-map.ts";
import { createHomes } from "../../src/engines/redis/homes.ts";
import { page } from "../docs/markdown.ts";
import { redisOptions } from "../engines/redis/homes-house.ts";
import { isOrdered, ROUTE, startTraffic, type Traffic } from "../engines/redis/traffic.ts";
import { freshPrefix, startEngine } from "../engines/redis-house.ts";
import { type ClusterNodeHouse, type RedisClusterHouse, startRedisCluster } from "../redis-cluster-house.ts";
import { requires } from "../requires.ts";

const test = requires("redis-server");
const TIMEOUT_MS = 1_000;
/** What the event loop adds on a busy machine. */
const SLACK_MS = 1_500;

interface Scene {
  readonly cluster: RedisClusterHouse;
  readonly traffic: Traffic;
  /** Topic of the master that something happens to, and its slot. */
  readonly hit: string;
  readonly slot: number;
  /** Of another master. */
  readonly other: string;
}

async function withScene(run: (scene: Scene) => Promise<void>): Promise<void> {
  await using cluster = await startRedisCluster();
  const redis = { cluster: true, timeout: TIMEOUT_MS, prefix: freshPrefix() };
  const engines = [];
  for (let n = 0; n < 2; n += 1) engines.push(await startEngine([...cluster.urls], { redis }));
  try {
    const slots = slotsOf([...cluster.urls], redis.prefix);
    const [hit, other] = await topicsOfTwo(cluster, slots);
    const traffic = await startTraffic(engines, [hit, other]);
    await traffic.passes();
    await run({ cluster, traffic, hit, other, slot: slots(hit) });
    for (const engine of [0, 1])
      for (const topic of [hit, other]) expect(isOrdered(traffic.heard(engine, topic))).toBe(true);
    expect(traffic.doubles()).toEqual([]);
    expect(traffic.longest).toBeLessThan(TIMEOUT_MS + SLACK_MS);
  } finally {
    for (const engine of engines) await engine.close();
  }
}

function slotsOf(urls: string[], prefix: string): (topic: string) => number {
  const homes = createHomes({
    options: redisOptions(urls, { cluster: true, prefix }),
    clock: systemClock,
    log: { info() {}, warn() {} },
    onThrow() {},
  });
  return (topic) => slotOf(homes.of(`topics ${ROUTE}`, topic).base);
}

async function topicsOfTwo(
  cluster: RedisClusterHouse,
  slots: (topic: string) => number,
): Promise<readonly [string, string]> {
  const first = await cluster.masterOf(slots("t0"));
  for (let n = 1; ; n += 1)
    if ((await cluster.masterOf(slots(`t${n}`))).id !== first.id) return ["t0", `t${n}`];
}

/** Everybody was told of a new epoch of that topic; of the other one nobody noticed anything. */
function expectNewEpoch({ traffic, hit, other }: Scene): void {
  expect(traffic.epochs(hit).length).toBe(2);
  expect(traffic.epochs(other).length).toBe(1);
  expect(traffic.refused(other)).toEqual([]);
  for (const engine of [0, 1]) {
    const [before, after] = traffic.epochs(hit);
    const { messages } = traffic.heard(engine, hit);
    expect([...new Set(messages.map(({ epoch }) => epoch))]).toEqual([before ?? "", after ?? ""]);
    const steady = traffic.heard(engine, other);
    expect(steady.skips).toEqual([]);
    expect(steady.messages.map(({ offset }) => offset)).toEqual(steady.messages.map((_, n) => n + 1));
  }
}

test(
  "goes on by itself on the replica of a master that was killed",
  () =>
    withScene(async (scene) => {
      const { cluster, traffic, hit, slot } = scene;
      const master = await cluster.masterOf(slot);
      await cluster.replicaOf(master);
      await master.kill();
      await traffic.until(() => traffic.epochs(hit).length === 2);
      await traffic.passes();
      expect(traffic.refused(hit).length).toBeGreaterThan(0);
      expectNewEpoch(scene);
      await master.restart();
      await cluster.settled();
      await traffic.passes();
      expectNewEpoch(scene);
    }),
  60_000,
);

test(
  "follows a planned failover, and one back",
  () =>
    withScene(async (scene) => {
      const { cluster, traffic, hit, slot } = scene;
      const master = await cluster.masterOf(slot);
      const first = cluster.failover(await cluster.replicaOf(master));
      await traffic.until(() => traffic.epochs(hit).length === 2);
      await first;
      await traffic.passes();
      expectNewEpoch(scene);
      await cluster.settled();
      await cluster.replicaOf(await cluster.masterOf(slot));
      const back = cluster.failover(master);
      await traffic.until(() => traffic.epochs(hit).length === 3);
      await back;
      await traffic.passes();
    }),
  60_000,
);

test(
  "leaves a master that hangs, and does not go back when it goes on",
  () =>
    withScene(async (scene) => {
      const { cluster, traffic, hit, slot } = scene;
      const master = await cluster.masterOf(slot);
      await cluster.replicaOf(master);
      master.stop();
      await traffic.until(() => traffic.epochs(hit).length === 2);
      master.cont();
      await cluster.settled();
      await traffic.passes();
      expectNewEpoch(scene);
    }),
  60_000,
);

test(
  "follows a slot that moves to another master",
  () =>
    withScene(async (scene) => {
      const { cluster, traffic, other, hit, slot } = scene;
      const owner = await cluster.masterOf(slot);
      const to = await anotherMaster(cluster, owner);
      const moving = cluster.moveSlot(slot, to);
      await traffic.until(() => traffic.epochs(hit).length === 2);
      await moving;
      await traffic.passes();
      expectNewEpoch({ ...scene, other });
    }),
  60_000,
);

async function anotherMaster(cluster: RedisClusterHouse, one: ClusterNodeHouse): Promise<ClusterNodeHouse> {
  for (let slot = 0; slot < 16_384; slot += 1_000) {
    const master = await cluster.masterOf(slot);
    if (master.id !== one.id) return master;
  }
  throw new Error("there is one master only");
}

test(
  "uses no position twice when a replica that lacks the last messages takes over",
  () =>
    withScene(async (scene) => {
      const { cluster, traffic, hit, slot } = scene;
      const master = await cluster.masterOf(slot);
      const replica = await cluster.replicaOf(master);
      replica.stop();
      const before = traffic.heard(0, hit).messages.length;
      await traffic.until(() => traffic.heard(0, hit).messages.length > before + 20);
      await master.kill();
      replica.cont();
      await traffic.until(() => traffic.epochs(hit).length === 2);
      await traffic.passes();
      expectNewEpoch(scene);
    }),
  60_000,
);

test(
  "hears on when the node that it hears from dies, whichever that is",
  () =>
    withScene(async ({ cluster, traffic }) => {
      const heardFrom: ClusterNodeHouse[] = [];
      for (const node of cluster.nodes)
        if (String(await node.command("CLIENT", "LIST", "TYPE", "pubsub")).includes("id="))
          heardFrom.push(node);
      await heardFrom[0]?.kill();
      expect(heardFrom).not.toEqual([]);
      await cluster.settled();
      await traffic.passes();
    }),
  60_000,
);

test("takes user, password and rights along to the nodes that it finds", async () => {
  await using cluster = await startRedisCluster();
  const rights =
    /^user fairlead on >\S+ (.*)$/m.exec(page("docs/engines/redis.md").text)?.[1]?.split(" ") ?? [];
  for (const { command } of cluster.nodes) {
    await command("ACL", "SETUSER", "gate", "on", ">secret", ...rights);
    await command("ACL", "SETUSER", "default", "resetpass", ">other");
  }
  const [url = ""] = cluster.urls;
  const parts = { redis: { cluster: true, password: "secret", prefix: "fairlead" } };
  const engine = await startEngine(url.replace("//", "//gate@"), parts);
  await using _end = { [Symbol.asyncDispose]: () => engine.close() };
  expect(engine.health().text).toBe("on Redis");
  const traffic = await startTraffic([engine], ["a", "b", "c", "d"]);
  await traffic.passes();
  expect(["a", "b", "c", "d"].flatMap((topic) => traffic.refused(topic))).toEqual([]);
}, 60_000);
