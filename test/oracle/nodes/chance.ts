/** Chance of a seed, and what it decided, for who wants to know why a run failed. */
import { seeded } from "../../seeded.ts";

export interface Chance {
  /** 0 to 1. */
  readonly next: () => number;
  /** 0 to below `count`. */
  below(count: number): number;
  pick<T>(from: readonly T[]): T;
  /** What is done from now on to the system, with the time since the beginning. */
  note(what: string): void;
  /** The last notes, a line each. */
  story(): string;
}

const TOLD = 60;

export function createChance(seed: number): Chance {
  const next = seeded(seed);
  const began = performance.now();
  const notes: string[] = [];
  const below = (count: number) => Math.floor(next() * count);
  return {
    next,
    below,
    pick<T>(from: readonly T[]): T {
      const picked = from[below(from.length)];
      if (picked === undefined) throw new Error("nothing to pick from");
      return picked;
    },
    note: (what) => void notes.push(`${((performance.now() - began) / 1_000).toFixed(3)} ${what}`),
    story: () => notes.slice(-TOLD).join("\n"),
  };
}
