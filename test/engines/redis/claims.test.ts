import { describe } from "bun:test";
import { claimsContract } from "../../contracts/engine/claims.ts";
import { type EngineTest, type MakeEngine, withEngine } from "../../contracts/engine/harness.ts";
import { claimModel } from "../../contracts/engine/model.ts";
import { sharedRedis } from "../../redis-house.ts";
import { requires } from "../../requires.ts";
import { FOREVER, openNode } from "./leases-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");

const make: MakeEngine = async (clock) =>
  (await openNode((await redis()).url, { clock, lease: FOREVER })).engine;
const contract: EngineTest = (name, run) => test(name, () => withEngine(make, run));

describe("the engine suite: claims", () => {
  claimsContract(contract);
  claimModel((name, run) => test(name, run), make, 20);
});
