import { engineContract } from "../contracts/engine.ts";
import { sharedRedis } from "../redis-house.ts";
import { startEngine } from "./redis-house.ts";

const redis = sharedRedis();
/** The tests move the clock by hours, and neither Redis nor a node is late then. */
const parts = { trustsClock: true, redis: { timeout: 10 ** 9, lease: 2 * 10 ** 9 } };

engineContract("redis", async (clock) => startEngine((await redis()).url, { clock, ...parts }), { runs: 40 });
