import { engineContract } from "../contracts/engine.ts";
import { startEngine } from "../engines/redis-house.ts";
import { sharedRedisCluster } from "../redis-cluster-house.ts";

const cluster = sharedRedisCluster();
/** The tests move the clock by hours, and neither Redis nor a node is late then. */
const parts = { trustsClock: true, redis: { timeout: 10 ** 9, lease: 2 * 10 ** 9, cluster: true } };
const skips = [
  {
    reason: "each of 64 homes has a 64th of the total",
    tests: [
      "lets topics replace what they hold and add nothing to it once all hold total together",
      "has room again once what it held has aged",
    ],
  },
];

engineContract(
  "redis cluster",
  async (clock) => startEngine([...(await cluster()).urls], { clock, ...parts }),
  { skips, runs: 4 },
);
