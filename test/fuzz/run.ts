/** Runs a target's inputs one after the other, several at a time, and holds the house to what must be true whatever they were. */
import { chanceOf } from "./chance.ts";
import type { House } from "./house.ts";
import type { Input, Target } from "./target.ts";

export interface Plan {
  readonly seed: number;
  readonly seconds: number;
}

export interface Report {
  readonly target: string;
  readonly inputs: number;
  /** Got past the first check. */
  readonly past: number;
  /** On the wire: connections whose route has seen a message. */
  readonly reached: number;
  readonly fault: Fault | undefined;
}

export interface Fault {
  readonly text: string;
  /** Those it may come from, the likeliest first. */
  readonly inputs: readonly Input[];
}

/** Connections at once. */
const LANES = 40;
/** On a busy machine too; fewer say nothing. */
const LEAST_INPUTS = 100;
/** So many inputs, and the house is looked at. */
const LOOK_EVERY = 200;

export async function fuzz(target: Target, house: House, { seed, seconds }: Plan): Promise<Report> {
  const end = performance.now() + seconds * 1_000;
  const recent: Input[] = [];
  const before = target.isOnTheWire ? (await house.state()).reached : 0;
  let fault: Fault | undefined;
  let [inputs, past] = [0, 0];

  async function lane(): Promise<void> {
    while (fault === undefined && (performance.now() < end || inputs < LEAST_INPUTS)) {
      inputs += 1;
      const nth = inputs;
      const input = target.make(chanceOf(seed, target.name, nth));
      recent.unshift(input);
      recent.length = Math.min(recent.length, LOOK_EVERY + LANES);
      try {
        if (await target.run(input, house)) past += 1;
        if (nth % LOOK_EVERY === 0) await look();
      } catch (error) {
        fault ??= { text: textOf(error), inputs: [input, ...recent] };
      }
    }
  }

  async function look(): Promise<void> {
    if (!target.isOnTheWire) return;
    const problem = await wrongWith(house);
    if (problem !== undefined) throw new Error(problem);
  }

  await Promise.all(Array.from({ length: target.isOnTheWire ? LANES : 1 }, lane));
  try {
    if (fault === undefined && target.isOnTheWire) await house.emptied();
    if (fault === undefined) await look();
  } catch (error) {
    fault = { text: textOf(error), inputs: recent };
  }
  const reached =
    target.isOnTheWire && house.death === undefined ? (await house.state()).reached - before : 0;
  return { target: target.name, inputs, past, reached, fault };
}

/** Undefined while all is well. */
export async function wrongWith(house: House): Promise<string | undefined> {
  if (house.death !== undefined) return house.death;
  const { faults } = await house.state();
  if (faults.length > 0) return faults.join("\n");
  await house.serveNext();
  return undefined;
}

export const textOf = (error: unknown) =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
