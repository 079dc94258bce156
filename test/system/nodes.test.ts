/** Gateways of several processes on one Redis: who each of them says is there, when one dies, stands still, or leaves. */
import { expect } from "bun:test";
import { eventually } from "../calm.ts";
import { type Nodes, withNodes } from "../nodes-house.ts";
import { nodesAt, OPERATED, revokeAt, statusAt, userToken } from "../operators.ts";
import { sharedRedis } from "../redis-house.ts";
import { requires } from "../requires.ts";

const redis = sharedRedis();
const test = requires("redis-server");

const LEASE_MS = 1_000;
const routes = { "/feed/:topic": { kind: "feed" } } as const;

async function three(body: (nodes: Nodes) => Promise<void>): Promise<void> {
  const { port } = await redis();
  const engine = { lease: LEASE_MS, timeout: 1_000 };
  await withNodes({ redis: port, routes, engine, config: { auth: OPERATED } }, async (nodes) => {
    await sees(nodes, [0, 1, 2], [0, 1, 2]);
    await body(nodes);
  });
}

/** Each of `who` lists exactly `whom`. */
async function sees(nodes: Nodes, who: readonly number[], whom: readonly number[]): Promise<void> {
  const names = whom.map((node) => `node-${node}`).join();
  for (const node of who) {
    const listed = async () =>
      (await nodesAt(nodes.host(node))).nodes.map(({ name }) => name).join() === names;
    await eventually(`node ${node} lists ${names}`, listed);
  }
}

test("a node that is killed is gone within two leases, and is another one when it comes back", async () => {
  await three(async (nodes) => {
    const before = (await nodesAt(nodes.host(2))).self;
    const began = performance.now();
    await nodes.kill9(2);
    await sees(nodes, [0, 1], [0, 1]);
    expect(performance.now() - began).toBeLessThan(2 * LEASE_MS);
    await nodes.start(2);
    await sees(nodes, [0, 1, 2], [0, 1, 2]);
    expect((await nodesAt(nodes.host(2))).self).not.toBe(before);
  });
});

test("a node that stands still is gone, and there again when it goes on, with the revocations of meanwhile", async () => {
  await three(async (nodes) => {
    const token = await userToken("alice");
    const before = (await nodesAt(nodes.host(1))).self;
    expect(await statusAt(nodes.host(1), "/feed/t", token)).toBe(200);
    nodes.stop(1);
    await sees(nodes, [0, 2], [0, 2]);
    expect((await revokeAt(nodes.host(0), { user: "alice" })).status).toBe(200);
    nodes.cont(1);
    await sees(nodes, [0, 1, 2], [0, 1, 2]);
    expect((await nodesAt(nodes.host(1))).self).toBe(before);
    expect(await statusAt(nodes.host(1), "/feed/t", token)).toBe(401);
  });
});

test("a node that is stopped in order is gone at once", async () => {
  await three(async (nodes) => {
    expect(await nodes.term(2)).toBe(0);
    for (const node of [0, 1]) {
      const { configs } = await nodesAt(nodes.host(node));
      expect(Object.values(configs)).toEqual([["node-0", "node-1"]]);
    }
  });
});
