/** Random steps of three nodes that claim the same names, stall, come back and die: never two that may believe that a name is theirs. */
import { expect } from "bun:test";
import fc from "fast-check";
import type { Claim } from "../../../src/engine.ts";
import { type TestClock, testClock } from "../../clock.ts";
import { type Attempt, claim, isError } from "../../contracts/engine/harness.ts";
import { sharedRedis } from "../../redis-house.ts";
import { requires } from "../../requires.ts";
import { startProxy, type TcpProxy } from "../../tcp-proxy.ts";
import { type LeaseNode, openNode, pass, settle } from "./leases-house.ts";

const redis = sharedRedis();
const LEASE = 1_000;
const NODES = 3;

const step = fc.record({
  do: fc.constantFrom(
    "claim",
    "claim",
    "claim",
    "takeOver",
    "release",
    "pass",
    "pass",
    "jump",
    "stall",
    "flow",
    "die",
  ),
  node: fc.nat({ max: NODES - 1 }),
  name: fc.constantFrom("n", "m"),
  ms: fc.constantFrom(1, 100, 400, 940, 1_000, 2_000),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

interface Machine {
  readonly node: LeaseNode;
  readonly way: TcpProxy;
  isStalled: boolean;
}

interface Believer {
  readonly name: string;
  readonly machine: Machine;
  readonly claim: Claim;
  /** Taken over while its node could not be told: it may believe until it hears, or its lease is over. */
  isSuperseded: boolean;
}

class House {
  readonly clock: TestClock = testClock();
  machines: Machine[] = [];
  readonly believers: Believer[] = [];
  readonly fences = new Map<string, number>();

  constructor(readonly port: number) {}

  async open(): Promise<Machine> {
    const way = await startProxy(this.port);
    const node = await openNode(`redis://${way.host}`, { clock: this.clock, lease: LEASE });
    return { node, way, isStalled: false };
  }

  awake(): LeaseNode[] {
    return this.machines.filter(({ isStalled }) => !isStalled).map(({ node }) => node);
  }

  believing(name: string): Believer[] {
    return this.believers.filter((one) => one.name === name && !one.isSuperseded && one.claim.renew());
  }

  close(): void {
    for (const { node, way } of this.machines) {
      node.die();
      way[Symbol.dispose]();
    }
  }
}

async function tryClaim(house: House, machine: Machine, { name }: Step, takeOver: boolean): Promise<void> {
  if (machine.isStalled) return;
  const before = house.believing(name);
  const attempt: Attempt = await claim(machine.node.engine, name, { takeOver, holder: name });
  await settle(house.awake());
  const { result } = attempt;
  if (isError(result)) throw new Error(`refused: ${result.text}`);
  if ("takenBy" in result) return;
  for (const other of before) {
    expect(takeOver).toBe(true);
    // Who could be told knows by now.
    expect(other.claim.renew()).toBe(other.machine.isStalled);
    other.isSuperseded = true;
  }
  expect(result.fence).toBeGreaterThan(house.fences.get(name) ?? 0);
  house.fences.set(name, result.fence);
  house.believers.push({ name, machine, claim: result, isSuperseded: false });
}

async function play(house: House, step: Step): Promise<void> {
  const machine = house.machines[step.node];
  if (machine === undefined) return;
  if (step.do === "claim" || step.do === "takeOver")
    await tryClaim(house, machine, step, step.do === "takeOver");
  else if (step.do === "release") {
    for (const one of house.believing(step.name)) if (!one.machine.isStalled) one.claim.release();
  } else if (step.do === "pass") await pass(house.clock, step.ms, LEASE, house.awake());
  else if (step.do === "jump") house.clock.advance(step.ms);
  else if (step.do === "stall") {
    machine.way.hold();
    machine.isStalled = true;
  } else if (step.do === "flow") {
    machine.way.flow();
    machine.isStalled = false;
    for (const one of house.believers)
      if (one.machine === machine && one.isSuperseded) {
        await settle([machine.node]);
        expect(one.claim.renew()).toBe(false);
      }
  } else {
    // A believer on a node that died believes nothing any more.
    machine.node.die();
    machine.way[Symbol.dispose]();
    for (const one of house.believers) if (one.machine === machine) one.isSuperseded = true;
    house.machines[step.node] = await house.open();
  }
  await settle(house.awake());
  for (const name of ["n", "m"]) expect(house.believing(name).length).toBeLessThanOrEqual(1);
}

requires("redis-server")("has one holder of a name at most, whatever nodes do, stall and die", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      const house = new House((await redis()).port);
      try {
        for (let n = 0; n < NODES; n++) house.machines.push(await house.open());
        for (const each of steps) await play(house, each);
        for (const { way } of house.machines) way.flow();
        for (const machine of house.machines) machine.isStalled = false;
        await pass(house.clock, 2 * LEASE, LEASE, house.awake());
        for (const one of house.believers) one.claim.release();
        await settle(house.awake());
        for (const name of ["n", "m"]) {
          const [machine] = house.machines;
          if (machine !== undefined) await tryClaim(house, machine, { name } as Step, false);
          expect(house.believing(name).length).toBe(1);
        }
      } finally {
        house.close();
      }
    }),
    { numRuns: Number(process.env["RUNS"] ?? 15) },
  );
});
