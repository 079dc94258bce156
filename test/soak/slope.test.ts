import { describe, expect, test } from "bun:test";
import { lows, type Sample, slopeOf } from "../../soak/slope.ts";
import { seeded } from "../seeded.ts";

const samples = (count: number, bytes: (at: number) => number): Sample[] =>
  Array.from({ length: count }, (_, at) => ({ at, bytes: bytes(at) }));

describe("the slope of memory", () => {
  test("is that of a line, without a doubt", () => {
    const { perSecond, margin } = slopeOf(samples(10, (at) => 1_000 + 7 * at));
    expect(perSecond).toBeCloseTo(7, 9);
    expect(margin).toBeCloseTo(0, 9);
  });

  test("is nothing that is known, of fewer than three samples or of a single moment", () => {
    expect(slopeOf([]).margin).toBe(Number.POSITIVE_INFINITY);
    expect(slopeOf(samples(2, (at) => at)).margin).toBe(Number.POSITIVE_INFINITY);
    expect(slopeOf([1, 2, 3].map((bytes) => ({ at: 5, bytes }))).margin).toBe(Number.POSITIVE_INFINITY);
  });

  test("lies within its margin 19 times out of 20, whatever the noise", () => {
    const random = seeded(7);
    const noise = () => Array.from({ length: 12 }, random).reduce((sum, each) => sum + each - 0.5, 0);
    for (const count of [5, 30]) {
      let hits = 0;
      for (let round = 0; round < 2_000; round += 1) {
        const { perSecond, margin } = slopeOf(samples(count, (at) => 3 * at + 50 * noise()));
        if (Math.abs(perSecond - 3) <= margin) hits += 1;
      }
      expect(hits / 2_000).toBeWithin(0.935, 0.965);
    }
  });
});

test("the least of each while counts, so that what a collector has not yet taken is no growth", () => {
  const saw = samples(30, (at) => 100 + (at % 10));
  expect(lows(saw, 10)).toEqual([
    { at: 5, bytes: 100 },
    { at: 15, bytes: 100 },
    { at: 25, bytes: 100 },
  ]);
});
