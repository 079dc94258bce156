/** Faults of the Redis that nodes share, and of the ways to it: killed, stopped, emptied, cut off, and one that says things twice. */
import { expect, onTestFinished } from "bun:test";
import { readFileSync } from "node:fs";
import type { FairleadClientError, Published, Session } from "../../src/client/index.ts";
import { until } from "../calm.ts";
import { connect } from "../gateway.ts";
import { startReplayingProxy } from "../replaying-proxy.ts";
import { requires } from "../requires.ts";
import { seeded } from "../seeded.ts";
import { range, readNumbers } from "../system/read-numbers.ts";
import { speak } from "../v1-client.ts";
import { FEED, type ManyNodes, publishAll, TIMEOUT, withManyNodes } from "./many-nodes.ts";

const withRedis = requires("redis-server");
const MIB = 1024 * 1024;
const UP = "fairlead_engine_up";

/** The code that a publish ends with. */
const refusal = (published: Promise<Published>) =>
  published.then(
    () => "published",
    ({ code }: FairleadClientError) => code,
  );

/** An echo and readers at each node, none of whom may notice that Redis is away. */
async function company({ nodes, at }: ManyNodes) {
  const all = range(0, nodes.count).map((node) => {
    const session = at(node, "/f/numbers");
    return { session, ...readNumbers(session) };
  });
  await Promise.all(all.map(({ ready }) => ready));
  const echoes = await Promise.all(
    range(0, nodes.count).map((node) => connect(`ws://${nodes.host(node)}/echo`)),
  );
  onTestFinished(() => {
    for (const echo of echoes) echo[Symbol.dispose]();
  });
  return {
    all,
    async echo() {
      for (const echo of echoes) {
        echo.send("hello");
        expect(await echo.next()).toBe("hello");
      }
    },
    isUndisturbed: () => all.every(({ session }) => session.statuses.every(({ type }) => type !== "away")),
  };
}

async function allUp({ nodes }: ManyNodes): Promise<void> {
  for (const node of range(0, nodes.count))
    await until(`node ${node} is up`, async () => (await nodes.metric(node, UP)) === 1);
}

async function expectRefused(writer: Session, within = 3 * TIMEOUT): Promise<void> {
  const began = performance.now();
  expect(["engine_down", "unknown"]).toContain(await refusal(writer.publish(-1)));
  expect(performance.now() - began).toBeLessThan(within + 500);
}

for (const keeps of ["always", "nothing"] as const) {
  const lost = keeps === "always" ? [] : ["gap"];
  const what = keeps === "always" ? "nothing is lost" : "what it forgot is told as a gap";
  withRedis(`29: publishes are refused, all else goes on, and ${what} if it keeps ${keeps}`, () =>
    withManyNodes({ redis: { keeps } }, async (house) => {
      const { nodes, redis, at } = house;
      const { all, echo, isUndisturbed } = await company(house);
      const writers = range(0, 3).map((node) => at(node, "/f/numbers"));
      for (const [i, writer] of writers.entries()) await publishAll(writer, range(i * 50, 50));
      for (const { has } of all) await has(149, 10);
      await redis.kill();
      for (const writer of writers) await expectRefused(writer);
      expect((await fetch(`http://${nodes.host(0)}/readyz`)).status).toBe(200);
      await echo();
      await Bun.sleep(2_000);
      await redis.restart();
      await allUp(house);
      for (const [i, writer] of writers.entries()) await publishAll(writer, range(150 + i * 50, 50));
      for (const { has, got, other } of all) {
        await has(299, 20);
        expect(got.filter((n) => n >= 0)).toEqual(range(0, 300));
        expect(other.map(({ type }) => type)).toEqual(lost as (typeof other)[number]["type"][]);
      }
      expect(isUndisturbed()).toBe(true);
    }),
  );
}

withRedis("30: a flood of publishes is answered in time, and costs no memory", () =>
  withManyNodes({}, async (house) => {
    const { nodes, redis } = house;
    const { all, echo, isUndisturbed } = await company(house);
    const speakers = await Promise.all(range(0, 3).map((node) => speak(`ws://${nodes.host(node)}/f/flood`)));
    const data = "x".repeat(4_096);
    const flood = async (rounds: number) => {
      const times: number[] = [];
      const codes = new Set<unknown>();
      for (const _ of range(0, rounds)) {
        const asked = speakers.flatMap((speaker) =>
          range(0, 200).map(async () => {
            const began = performance.now();
            codes.add((await speaker.ask({ t: "pub", data }))["code"]);
            times.push(performance.now() - began);
          }),
        );
        await Promise.all(asked);
      }
      return { codes, slowest: Math.max(...times) };
    };
    expect((await flood(5)).codes).toEqual(new Set([undefined]));
    redis.stop();
    const stopped = performance.now();
    const { slowest, codes } = await flood(1);
    expect(codes.has(undefined)).toBe(false);
    expect(slowest).toBeLessThan(3 * TIMEOUT + 1_000);
    const sizes = () => range(0, 3).map((node) => residentBytes(nodes.pid(node)));
    // A heap under load grows up to a point.
    while (performance.now() - stopped < 5_000)
      expect((await flood(5)).codes).toEqual(new Set(["engine_down"]));
    const before = sizes();
    while (performance.now() - stopped < 10_000)
      expect((await flood(5)).codes).toEqual(new Set(["engine_down"]));
    for (const [node, size] of sizes().entries()) expect(size - (before[node] ?? 0)).toBeLessThan(16 * MIB);
    await echo();
    redis.cont();
    await allUp(house);
    await publishAll(house.at(0, "/f/numbers"), range(0, 10));
    for (const { got, has } of all) {
      await has(9, 10);
      expect(got).toEqual(range(0, 10));
    }
    expect(isUndisturbed()).toBe(true);
  }),
);

withRedis("31: FLUSHALL is a new epoch for everybody, also if nobody publishes", () =>
  withManyNodes({}, async (house) => {
    const { nodes, redis, at } = house;
    const { all } = await company(house);
    const writer = at(0, "/f/numbers");
    await publishAll(writer, range(0, 50));
    const before = await writer.publish(50);
    for (const { has } of all) await has(50, 10);
    await redis.flush();
    for (const { other } of all) await until("a gap", () => other.length > 0, 15);
    const after = await writer.publish(51);
    await publishAll(at(1, "/f/numbers"), range(52, 10));
    for (const { has, got, other } of all) {
      await has(61, 10);
      expect(got).toEqual(range(0, 62));
      expect(other.map(({ type }) => type)).toEqual(["gap"]);
    }
    expect(before).toMatchObject({ offset: 51 });
    expect(after).toMatchObject({ offset: 1 });
    for (const node of range(0, 3)) {
      const since = before.superseded ? "" : `?since=${before.epoch}:${before.offset}`;
      const late = await speak(`ws://${nodes.host(node)}/f/numbers${since}`);
      expect(late.welcome).toMatchObject({ sub: { offset: 11, recovered: false, count: 0 } });
      late.close();
    }
  }),
);

withRedis("32: notices that it was cut off, and fills what it missed", () => {
  const settings = { "client-output-buffer-limit": "pubsub 1mb 1mb 1" };
  const feed = { ...FEED, maxMessage: "1MiB", slow: { policy: "close", highWater: "64MiB" } } as const;
  const routes = { "/f/:topic": feed, "/echo": { kind: "echo", welcome: false } } as const;
  // It must be Redis that has enough, not the node.
  return withManyNodes({ redis: { settings }, routes, engine: { timeout: "20s" } }, async (house) => {
    const { nodes, redis } = house;
    const { all, isUndisturbed } = await company(house);
    const speaker = await speak(`ws://${nodes.host(1)}/f/numbers`);
    nodes.way(0).stall();
    for (const n of range(0, 80)) await speaker.ask({ t: "pub", data: `${n}`.padEnd(400_000) });
    await until("Redis has enough", () => redis.output().includes("overcoming of output buffer limits"));
    nodes.way(0).flow();
    for (const { has, got, other } of all) {
      await has(79, 20);
      expect(got).toEqual(range(0, 80));
      expect(other).toEqual([]);
    }
    expect(isUndisturbed()).toBe(true);
  });
});

withRedis(
  "35: the node that is cut off says so, the others go on, and its readers lack nothing afterwards",
  () =>
    withManyNodes({ engine: { strict: true } }, async (house) => {
      const { nodes, at } = house;
      const { all, echo, isUndisturbed } = await company(house);
      const [cutOff, whole] = [at(0, "/f/numbers"), at(1, "/f/numbers")];
      await publishAll(cutOff, range(0, 50));
      nodes.way(0).goSilent();
      nodes.way(0).hold();
      await expectRefused(cutOff);
      const ready = async (node: number) => (await fetch(`http://${nodes.host(node)}/readyz`)).status;
      await until("node 0 is not ready", async () => (await ready(0)) === 503);
      expect(await ready(1)).toBe(200);
      await publishAll(whole, range(50, 50));
      await all[1]?.has(99, 5);
      await echo();
      nodes.way(0).flow();
      await until("node 0 is ready", async () => (await ready(0)) === 200);
      await publishAll(cutOff, range(100, 50));
      for (const { has, got, other } of all) {
        await has(149, 10);
        expect(got.filter((n) => n >= 0)).toEqual(range(0, 150));
        expect(other).toEqual([]);
      }
      expect(isUndisturbed()).toBe(true);
    }),
);

withRedis(
  "37: each message comes once and in order, if Redis says them twice, backwards, or not at all",
  () =>
    withManyNodes({}, async (house) => {
      const { nodes, redis } = house;
      using proxy = await startReplayingProxy(redis.port);
      const chances = seeded(37);
      proxy.replay = (messages) =>
        [...messages, ...messages].toSorted(() => chances() - 0.5).filter(() => chances() > 0.2);
      nodes.way(0).target = proxy.port;
      nodes.way(0).reset();
      await allUp(house);
      const { all } = await company(house);
      const speaker = await speak(`ws://${nodes.host(1)}/f/numbers`);
      for (const round of range(0, 50))
        await Promise.all(range(round * 40, 40).map((n) => speaker.ask({ t: "pub", data: n })));
      proxy.replay = undefined;
      await speaker.ask({ t: "pub", data: 2_000 });
      for (const { has, got, other } of all) {
        await has(2_000, 10);
        expect(got).toEqual(range(0, 2_001));
        expect(other).toEqual([]);
      }
      expect(proxy.seen).toBeGreaterThan(50);
    }),
);

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}
