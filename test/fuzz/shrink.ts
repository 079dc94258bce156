/** The smallest input that still fails, as far as `BUDGET_MS` goes: pieces first, then ever smaller parts of each. */
import type { Input } from "./target.ts";

const BUDGET_MS = 60_000;

export async function shrink(input: Input, fails: (input: Input) => Promise<boolean>): Promise<Input> {
  const end = performance.now() + BUDGET_MS;
  let smallest = input;

  async function take(smaller: Input): Promise<boolean> {
    const holds = performance.now() < end && (await fails(smaller));
    if (holds) smallest = smaller;
    return holds;
  }

  /** Two at a time before one: half of a message in fragments is another fault. */
  async function dropPieces(count: number): Promise<void> {
    for (let at = smallest.length - count; at >= 0; at -= 1) await take(smallest.toSpliced(at, count));
  }

  async function cut(at: number, length: number): Promise<void> {
    for (let from = 0; from < (smallest[at]?.length ?? 0); ) {
      const piece = Buffer.from(smallest[at] ?? []);
      const shorter = Buffer.concat([piece.subarray(0, from), piece.subarray(from + length)]);
      if (!(await take(smallest.with(at, shorter)))) from += length;
    }
  }

  for (const count of [8, 4, 2, 1, 2, 1]) await dropPieces(count);
  for (const at of smallest.keys()) {
    for (let length = smallest[at]?.length ?? 0; length >= 1; length = Math.floor(length / 2))
      await cut(at, length);
  }
  return smallest;
}
