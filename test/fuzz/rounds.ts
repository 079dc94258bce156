/** All targets in turn, in one house, a minute for them all together, then again with the next seed; and what the house weighs then. */
import { type House, openHouse } from "./house.ts";
import { type Fault, fuzz, type Report, textOf } from "./run.ts";
import type { State } from "./server.ts";
import type { Target } from "./target.ts";

export interface RoundsPlan {
  readonly seed: number;
  readonly minutes: number;
  onRound?(report: Report): void;
}

/** `target` is undefined where all of them together did it. */
export interface Found {
  readonly target: Target | undefined;
  readonly fault: Fault;
}

/** What happens in another process takes longer. */
const WEIGHT = { wire: 4, here: 1 } as const;
const ROUND_MINUTES = 1;
/** Bytes that the gateway may weigh more at the end than after the first target, when nobody is there. */
const MAX_GROWTH = { heap: 16 * 1024 * 1024, resident: 128 * 1024 * 1024 } as const;

/** Undefined: no fault. */
export async function fuzzAll(targets: readonly Target[], plan: RoundsPlan): Promise<Found | undefined> {
  await using house = await openHouse();
  let first: State | undefined;
  for (let left = plan.minutes, seed = plan.seed; left > 0; left -= ROUND_MINUTES, seed += 1) {
    const seconds = 60 * Math.min(left, ROUND_MINUTES);
    for (const target of targets) {
      const report = await fuzz(target, house, { seed, seconds: seconds * shareOf(target, targets) });
      plan.onRound?.(report);
      if (report.fault !== undefined) return { target, fault: report.fault };
      first ??= await house.state();
    }
  }
  const text = first && (await growthOf(house, first));
  return text === undefined ? undefined : { target: undefined, fault: { text, inputs: [] } };
}

function shareOf(target: Target, targets: readonly Target[]): number {
  const weight = ({ isOnTheWire }: Target) => (isOnTheWire ? WEIGHT.wire : WEIGHT.here);
  return weight(target) / targets.reduce((sum, each) => sum + weight(each), 0);
}

async function growthOf(house: House, first: State): Promise<string | undefined> {
  try {
    const { heap, resident } = await house.state();
    const growth = { heap: heap - first.heap, resident: resident - first.resident };
    const isTooMuch = growth.heap > MAX_GROWTH.heap || growth.resident > MAX_GROWTH.resident;
    return isTooMuch ? `the gateway weighs more than before: ${JSON.stringify(growth)}` : undefined;
  } catch (error) {
    return textOf(error);
  }
}
