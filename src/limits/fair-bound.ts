/**
 * A bound on what cannot be taken back from anybody, like a message that was accepted: nobody gets more than is still free after it. So
 * one alone gets half, each of several less, and some is always left for one who comes late. EVERYBODY may have all.
 * Memory: those who hold anything.
 */
import { EVERYBODY } from "./holder.ts";

export interface FairBound {
  fits(holder: string, amount: number): boolean;
  /** MUST be given back with the same amount. */
  take(holder: string, amount: number): void;
  give(holder: string, amount: number): void;
  /** By all. */
  readonly used: number;
}

/** `max` 0: everything fits. */
export function createFairBound(max: number): FairBound {
  const held = new Map<string, number>();
  let used = 0;

  function change(holder: string, amount: number): void {
    used += amount;
    const after = (held.get(holder) ?? 0) + amount;
    if (after === 0) held.delete(holder);
    else held.set(holder, after);
  }

  return {
    fits(holder, amount) {
      const own = holder === EVERYBODY ? 0 : (held.get(holder) ?? 0);
      return max === 0 || own + amount <= max - used;
    },
    take: change,
    give: (holder, amount) => change(holder, -amount),
    get used() {
      return used;
    },
  };
}
