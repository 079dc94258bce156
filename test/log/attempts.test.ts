import { expect, test } from "bun:test";
import { createAttempts, type ManyAttempts } from "../../src/log/attempts.ts";
import { testClock } from "../clock.ts";

function attemptsHouse() {
  const clock = testClock();
  const told: ManyAttempts[] = [];
  const attempts = createAttempts(clock, (many) => told.push(many));
  const fail = (address: string, times: number) => {
    for (let n = 0; n < times; n += 1) attempts.count(address);
  };
  return { clock, told, attempts, fail };
}

test("sixty of a minute are told once, with whoever tried most", () => {
  const { clock, told, fail } = attemptsHouse();
  fail("a", 20);
  fail("b", 40);
  clock.advance(60_000);
  expect(told).toEqual([{ count: 60, ip: "b", ofThese: 40 }]);
  fail("a", 59);
  clock.advance(120_000);
  expect([told.length, clock.pending]).toEqual([1, 0]);
});

test("addresses past a thousand are counted as one", () => {
  const { clock, told, fail } = attemptsHouse();
  for (let n = 0; n < 1_500; n += 1) fail(`address ${n}`, 1);
  clock.advance(60_000);
  expect(told).toEqual([{ count: 1_500, ip: "others", ofThese: 500 }]);
});

test("nothing is told of a minute that was not over at the end, and no timer stays", () => {
  const { clock, told, attempts, fail } = attemptsHouse();
  expect(clock.pending).toBe(0);
  fail("a", 100);
  attempts.dispose();
  clock.advance(60_000);
  expect([told, clock.pending]).toEqual([[], 0]);
});
