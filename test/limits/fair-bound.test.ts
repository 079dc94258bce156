import { expect, test } from "bun:test";
import fc from "fast-check";
import { createFairBound } from "../../src/limits/fair-bound.ts";
import { EVERYBODY } from "../../src/limits/holder.ts";

/** How many of one each holder gets, asking in this order. */
function got(max: number, ...asking: string[]): Readonly<Record<string, number>> {
  const bound = createFairBound(max);
  const counts: Record<string, number> = {};
  for (const holder of asking) {
    if (!bound.fits(holder, 1)) continue;
    bound.take(holder, 1);
    counts[holder] = (counts[holder] ?? 0) + 1;
  }
  return counts;
}

const greedy = (name: string) => Array.from({ length: 100 }, () => name);

test("one alone gets half, and one who comes late still some", () => {
  expect(got(64, ...greedy("a"))).toEqual({ a: 32 });
  expect(got(64, ...greedy("a"), ...greedy("b"))).toEqual({ a: 32, b: 16 });
  expect(got(1, ...greedy("a"))).toEqual({ a: 1 });
});

test("those who cannot be told apart get all of it", () => {
  expect(got(64, ...greedy(EVERYBODY), "a")).toEqual({ [EVERYBODY]: 64 });
  expect(got(64, ...greedy("a"), ...greedy(EVERYBODY))).toEqual({ a: 32, [EVERYBODY]: 32 });
});

test("without a bound everything fits", () => {
  const bound = createFairBound(0);
  bound.take("a", 1e12);
  expect([bound.fits("a", 1e12), bound.used]).toEqual([true, 1e12]);
});

test("what is given back is free again, for everybody", () => {
  const bound = createFairBound(10);
  bound.take("a", 5);
  expect([bound.fits("a", 1), bound.fits("b", 5), bound.fits("b", 6)]).toEqual([false, true, false]);
  bound.give("a", 5);
  expect([bound.used, bound.fits("b", 10)]).toEqual([0, true]);
});

test("whoever asks for whatever, the bound holds, and nobody has more than was left free by it", () => {
  const asks = fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.integer({ min: 0, max: 30 })), {
    maxLength: 50,
  });
  fc.assert(
    fc.property(asks, fc.integer({ min: 1, max: 100 }), (all, max) => {
      const bound = createFairBound(max);
      const held = new Map<string, number>();
      for (const [holder, amount] of all) {
        const before = bound.used;
        if (!bound.fits(holder, amount)) continue;
        bound.take(holder, amount);
        held.set(holder, (held.get(holder) ?? 0) + amount);
        expect(held.get(holder)).toBeLessThanOrEqual(max - before);
        expect(bound.used).toBeLessThanOrEqual(max);
      }
      for (const [holder, amount] of held) bound.give(holder, amount);
      expect(bound.used).toBe(0);
    }),
  );
});
