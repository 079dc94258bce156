/**
 * The suite every engine passes. A runner is `engineContract("memory", (clock) => createMemoryEngine({ clock, ... }))`.
 * `make` is called for each test; the clock it gets is moved by the tests.
 */
import { describe } from "bun:test";
import { claimsContract } from "./engine/claims.ts";
import { deliveryContract } from "./engine/delivery.ts";
import { type EngineTest, type MakeEngine, type Skip, skippingTest, withEngine } from "./engine/harness.ts";
import { historyContract } from "./engine/history.ts";
import { idemContract } from "./engine/idem.ts";
import { modelContract } from "./engine/model.ts";
import { presenceContract } from "./engine/presence.ts";
import { topicsContract } from "./engine/topics.ts";

export interface ContractOptions {
  /** What an engine does not pass. */
  readonly skips?: readonly Skip[];
  /** Random scripts per model, each with an engine of its own; fewer where making one is slow. */
  readonly runs?: number;
}

export function engineContract(
  name: string,
  make: MakeEngine,
  { skips = [], runs = 200 }: ContractOptions = {},
): void {
  const plain = skippingTest(skips);
  const it: EngineTest = (test, run) => plain(test, () => withEngine(make, run));
  describe(`engine ${name}`, () => {
    describe("delivery", () => deliveryContract(it));
    describe("topics", () => topicsContract(it));
    describe("history", () => historyContract(it));
    describe("idem", () => idemContract(it));
    describe("claims", () => claimsContract(it));
    describe("presence", () => presenceContract(it));
    describe("model", () => modelContract(plain, make, runs));
  });
}
