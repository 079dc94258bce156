import { expect, test } from "bun:test";
import { backoff } from "../../src/client/backoff.ts";

const highest = (failures: number, delays = {}) => backoff(failures, delays, () => 1);

test("the bound doubles from 250 ms up to 20 s", () => {
  const bounds = [0, 1, 2, 5, 6, 7, 50, 5_000].map((failures) => highest(failures));
  expect(bounds).toEqual([250, 500, 1_000, 8_000, 16_000, 20_000, 20_000, 20_000]);
});

test("any part of the bound may be the wait, none at all too", () => {
  expect(backoff(3, {}, () => 0)).toBe(0);
  expect(backoff(3, {}, () => 0.25)).toBe(500);
});

test("the bounds can be given", () => {
  expect(highest(0, { minDelay: 10 })).toBe(10);
  expect(highest(9, { minDelay: 10, maxDelay: 40 })).toBe(40);
});
