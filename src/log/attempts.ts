/**
 * Notices that many fail to show who they are, or guess: those of one minute are told once, with whoever tried most. Fewer are everyday.
 * Bounded: MAX_ADDRESSES are counted apart, those past it as one. A quiet gateway has no timer here.
 */
import type { Clock, Timer } from "../clock.ts";

export interface Attempts {
  count(address: string): void;
  dispose(): void;
}

/** What is told of a minute: so many in all, and `ofThese` of `ip`, which is `others` where they could not be counted apart. */
export interface ManyAttempts {
  readonly count: number;
  readonly ip: string;
  readonly ofThese: number;
}

const WINDOW_MS = 60_000;
const MANY = 60;
const MAX_ADDRESSES = 1_000;

export function createAttempts(clock: Clock, tell: (many: ManyAttempts) => void): Attempts {
  let window: Timer | undefined;
  const attempts = new Map<string, number>();

  function end(): void {
    window = undefined;
    const all = [...attempts].sort(([, a], [, b]) => b - a);
    attempts.clear();
    const count = all.reduce((sum, [, each]) => sum + each, 0);
    const [top] = all;
    if (top !== undefined && count >= MANY) tell({ count, ip: top[0], ofThese: top[1] });
  }

  return {
    count(address) {
      const known = attempts.has(address) || attempts.size < MAX_ADDRESSES;
      const counted = known ? address : "others";
      attempts.set(counted, (attempts.get(counted) ?? 0) + 1);
      window ??= clock.after(WINDOW_MS, end);
    },
    dispose: () => window?.cancel(),
  };
}
