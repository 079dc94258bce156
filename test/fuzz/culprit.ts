/** Which input it was, and how little of it is enough: each suspect alone in a house, which is a new one after each failure. */
import { type House, openHouse } from "./house.ts";
import { type Fault, textOf, wrongWith } from "./run.ts";
import { shrink } from "./shrink.ts";
import type { Input, Target } from "./target.ts";

export interface Culprit {
  readonly input: Input;
  readonly text: string;
}

/** Undefined: none of them fails alone. */
export async function findCulprit(target: Target, { inputs }: Fault): Promise<Culprit | undefined> {
  await using trial = createTrial(target);
  for (const input of inputs) {
    if ((await trial.problemOf(input)) === undefined) continue;
    const smallest = await shrink(input, async (each) => (await trial.problemOf(each)) !== undefined);
    return { input: smallest, text: (await trial.problemOf(smallest)) ?? "only now and then" };
  }
  return undefined;
}

/** What is wrong after these inputs, one after the other in one house; undefined: nothing. */
export async function replay(target: Target, inputs: readonly Input[]): Promise<string | undefined> {
  await using trial = createTrial(target);
  for (const input of inputs) {
    const problem = await trial.problemOf(input);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function createTrial(target: Target) {
  let house: House | undefined;
  return {
    async problemOf(input: Input): Promise<string | undefined> {
      house ??= await openHouse();
      const problem = await problemIn(house, target, input);
      if (problem !== undefined) {
        await house[Symbol.asyncDispose]();
        house = undefined;
      }
      return problem;
    },
    async [Symbol.asyncDispose]() {
      await house?.[Symbol.asyncDispose]();
    },
  };
}

async function problemIn(house: House, target: Target, input: Input): Promise<string | undefined> {
  try {
    await target.run(input, house);
    return target.isOnTheWire ? await wrongWith(house) : undefined;
  } catch (error) {
    return textOf(error);
  }
}
