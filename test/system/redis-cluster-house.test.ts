import { expect } from "bun:test";
import { sharedRedisCluster } from "../redis-cluster-house.ts";
import { requires } from "../requires.ts";

const test = requires("redis-server");
const shared = sharedRedisCluster();

test("has three masters with a replica each, and moves a slot with its keys", async () => {
  const cluster = await shared();
  const masters = await Promise.all([0, 8_000, 16_000].map(cluster.masterOf));
  expect(new Set(masters.map(({ id }) => id)).size).toBe(3);
  const [first, second] = masters;
  if (first === undefined || second === undefined) throw new Error("no masters");
  // Slot 0 has "{3560}".
  await first.command("SET", "{3560}", "here");
  await cluster.moveSlot(0, second);
  await cluster.settled();
  expect(await second.command("GET", "{3560}")).toBe("here");
  await expect(first.command("GET", "{3560}")).rejects.toThrow("MOVED 0");
}, 30_000);

test("gives the slots of a master that was killed to its replica", async () => {
  const cluster = await shared();
  const master = await cluster.masterOf(16_000);
  const replica = await cluster.replicaOf(master);
  await master.kill();
  await cluster.settled();
  expect((await cluster.masterOf(16_000)).id).toBe(replica.id);
}, 30_000);
