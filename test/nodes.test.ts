/** A node among others, whom a test makes up. With a real engine: test/system/nodes.test.ts */
import { expect, test } from "bun:test";
import type { Cluster, ClusterNode, NodeReport } from "../src/cluster.ts";
import { parseConfig } from "../src/config/validate.ts";
import { FairleadError } from "../src/errors.ts";
import { createRouteCounters } from "../src/metrics.ts";
import { createNodes } from "../src/nodes.ts";
import { eventually } from "./calm.ts";
import { testClock } from "./clock.ts";
import { memoryLog } from "./gateway.ts";

/** So far the clock of the engine is ahead. */
const SKEW_MS = 60_000;

function house(hasOthers = true) {
  const clock = testClock();
  const log = memoryLog();
  const others: ClusterNode[] = [];
  const reports: (() => NodeReport)[] = [];
  let isDown = false;
  const cluster: Cluster = {
    self: "self----",
    now: () => clock.wall() + SKEW_MS,
    announce: (report) => void reports.push(report),
    async nodes() {
      if (isDown) throw new FairleadError("ENGINE_DOWN", "away");
      const own = reports.map((report) => ({ ...report(), id: "self----", startedAt: 0, seenAt: 0 }));
      return [...own, ...others];
    },
    find: async () => undefined,
    tell() {},
    hear: () => ({ close() {} }),
    onGone: () => ({ close() {} }),
  };
  const counters = createRouteCounters("/echo", "echo");
  counters.connections = 2;
  const config = parseConfig({ advertise: "ws://here", routes: { "/echo": { kind: "echo" } } });
  const nodes = createNodes({
    name: "here",
    config,
    counters: [counters],
    lag: { most: 0 },
    cluster: hasOthers ? cluster : undefined,
    clock,
    log,
  });
  return {
    nodes,
    clock,
    log,
    reports,
    add(id: string, more: Partial<ClusterNode> = {}) {
      const now = cluster.now();
      const said = { name: id, advertise: undefined, version: "9", config: "", load: { connections: 5 } };
      others.push({ ...said, id, startedAt: now - 9_000, seenAt: now - 700, ...more });
    },
    remove: () => void others.splice(0),
    goDown(value: boolean) {
      isDown = value;
    },
    /** Lets what was asked be answered. */
    settled: () => nodes.list(),
    warned: () =>
      log.lines
        .filter(({ level }) => level === "warn")
        .map(({ other, otherConfig }) => `${other} ${otherConfig}`),
  };
}

test("alone, it knows itself, and how old each part is", async () => {
  const { nodes, clock } = house(false);
  nodes.start();
  clock.advance(5_000);
  const { self, nodes: all, sum, configs, problem } = await nodes.list();
  const [own] = all;
  expect(self).toMatch(/^[A-Za-z0-9_-]{8}$/);
  expect(own).toMatchObject({ id: self, name: "here", address: "ws://here", uptime: 5_000, age: 0 });
  expect(own?.load).toMatchObject({ connections: 2, "connections.echo": 2 });
  expect(sum).toMatchObject({ nodes: 1, age: 0, load: { connections: 2 } });
  expect(Object.values(configs)).toEqual([["here"]]);
  expect([problem, nodes.count]).toEqual([undefined, undefined]);
});

test("lists all nodes by name, sums up what they carry, and says how old the oldest part is", async () => {
  const { nodes, add, reports, clock } = house();
  nodes.start();
  const config = reports[0]?.().config ?? "";
  add("a", { config, seenAt: clock.wall() + SKEW_MS - 4_000 });
  add("z", { config, advertise: "ws://z" });
  const page = await nodes.list();
  expect(page.nodes.map(({ name, age, address }) => [name, age, address])).toEqual([
    ["a", 4_000, null],
    ["here", 0, "ws://here"],
    ["z", 700, "ws://z"],
  ]);
  expect(page.nodes[2]).toMatchObject({ id: "z", version: "9", uptime: 9_000 });
  expect(page.sum).toMatchObject({ nodes: 3, age: 4_000, load: { connections: 12 } });
  expect(page.configs).toEqual({ [config]: ["a", "here", "z"] });
  expect(nodes.count).toBe(3);
});

test("while the engine is down it says so, and knows itself", async () => {
  const { nodes, add, goDown } = house();
  nodes.start();
  add("a");
  goDown(true);
  const { nodes: all, problem, sum } = await nodes.list();
  expect(all.map(({ name }) => name)).toEqual(["here"]);
  expect(sum.nodes).toBe(1);
  expect(problem).toStartWith("engine_down: ");
});

test("warns once of a node with another config, with both names, and again if it comes back or changes", async () => {
  const { nodes, add, remove, clock, log, settled, warned, goDown } = house();
  nodes.start();
  add("b", { config: "other" });
  await settled();
  clock.advance(30_000);
  await settled();
  expect(warned()).toEqual(["b other"]);
  expect(log.lines[0]).toMatchObject({ node: "here", other: "b" });
  goDown(true);
  await settled();
  goDown(false);
  remove();
  add("b", { config: "third" });
  clock.advance(10_000);
  await settled();
  remove();
  await settled();
  add("b", { config: "third" });
  await settled();
  expect(warned()).toEqual(["b other", "b third", "b third"]);
});

test("looks at the others by itself from its start on, and no more once it is stopped", async () => {
  const { nodes, add, clock, warned } = house();
  nodes.start();
  add("b", { config: "other" });
  clock.advance(10_000);
  await eventually("it has looked", () => warned().length > 0);
  expect(warned()).toEqual(["b other"]);
  nodes.stop();
  expect(clock.pending).toBe(0);
});
