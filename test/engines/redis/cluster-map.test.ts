import { expect, test } from "bun:test";
import { mapOf, slotOf } from "../../../src/engines/redis/cluster-map.ts";
import { sharedRedisCluster } from "../../redis-cluster-house.ts";
import { requires } from "../../requires.ts";

const asked = { host: "10.0.0.1", port: 7_000 };
const map = (...nodes: readonly unknown[]) =>
  mapOf([[0, 16_383, ...nodes]], "cluster_current_epoch:7\r\n", asked);

test("reads ranges, masters, replicas and the epoch", () => {
  const { epoch, ranges, members } = map(["10.0.0.2", 7_001, "id"], ["10.0.0.3", 7_002, "id"]);
  expect(epoch).toBe(7);
  expect(ranges).toEqual([{ from: 0, to: 16_383, master: "10.0.0.2:7001" }]);
  expect([...members.keys()]).toEqual(["10.0.0.2:7001", "10.0.0.3:7002"]);
});

test("goes by the names that nodes announce, and by the address that was asked where they announce none", () => {
  expect(map(["redis-1.example.com", 7_001]).ranges[0]?.master).toBe("redis-1.example.com:7001");
  expect(map([null, 7_001]).ranges[0]?.master).toBe("10.0.0.1:7001");
  expect(map(["", 7_001]).members.get("10.0.0.1:7001")).toEqual({ host: "10.0.0.1", port: 7_001 });
  expect(map(["::1", 7_001]).members.get("[::1]:7001")).toEqual({ host: "::1", port: 7_001 });
});

test("leaves out a master that has a name and does not know it, and what is of another form", () => {
  expect(map(["?", 7_001]).ranges).toEqual([]);
  expect(mapOf("OK", undefined, asked)).toEqual({ epoch: 0, ranges: [], members: new Map() });
  expect(mapOf([7], "", asked).ranges).toEqual([]);
});

const shared = sharedRedisCluster();

requires("redis-server")("counts slots as a Cluster does", async () => {
  const [node] = (await shared()).nodes;
  for (const key of ["fairlead:{topics /room/:name#17}:heads", "{a}", "a:{b}:{c}", "plain", "Zoë {ö}"])
    expect(slotOf(key)).toBe(Number(await node?.command("CLUSTER", "KEYSLOT", key)));
});
