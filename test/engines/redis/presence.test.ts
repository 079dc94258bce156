import { describe } from "bun:test";
import { type EngineTest, type MakeEngine, withEngine } from "../../contracts/engine/harness.ts";
import { presenceContract } from "../../contracts/engine/presence.ts";
import { sharedRedis } from "../../redis-house.ts";
import { requires } from "../../requires.ts";
import { FOREVER, openNode } from "./leases-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");

const make: MakeEngine = async (clock) =>
  (await openNode((await redis()).url, { clock, lease: FOREVER })).engine;
const contract: EngineTest = (name, run) => test(name, () => withEngine(make, run));

describe("the engine suite: presence", () => presenceContract(contract));
