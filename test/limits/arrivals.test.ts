import { describe, expect, test } from "bun:test";
import { createArrivals } from "../../src/limits/arrivals.ts";
import { testClock } from "../clock.ts";

/** How many of `count` are let in, each from an address of its own unless `of` is given. */
function letIn(arrivals: ReturnType<typeof createArrivals>, count: number, of?: string): number {
  return Array.from({ length: count }, (_, n) => arrivals.take(of ?? `address ${n}`)).filter(Boolean).length;
}

describe("arrivals", () => {
  test("are free up to a second's worth at once, then come as fast as the rate", () => {
    const clock = testClock();
    const arrivals = createArrivals(200, clock);
    expect(letIn(arrivals, 300)).toBe(200);
    clock.advance(100);
    expect(letIn(arrivals, 300)).toBe(20);
    clock.advance(10_000);
    expect(letIn(arrivals, 300)).toBe(200);
  });

  test("let in as many as the rate says in the long run, whatever storms at the door", () => {
    const clock = testClock();
    const arrivals = createArrivals(50, clock);
    let count = 0;
    for (let ms = 0; ms < 10_000; ms += 7) {
      clock.advance(7);
      count += letIn(arrivals, 30);
    }
    expect(count).toBeWithin(540, 552);
  });

  test("of one address are a quarter at most, so that a flood leaves room for the others", () => {
    const clock = testClock();
    const arrivals = createArrivals(200, clock);
    for (let second = 0; second < 3; second += 1) {
      expect(letIn(arrivals, 10_000, "flood")).toBe(50);
      expect(letIn(arrivals, 100)).toBe(100);
      clock.advance(1_000);
    }
  });

  test("of one address are at least one a second", () => {
    const clock = testClock();
    const arrivals = createArrivals(1, clock);
    expect([arrivals.take("a"), arrivals.take("a")]).toEqual([true, false]);
    clock.advance(1_000);
    expect(arrivals.take("a")).toBe(true);
  });

  test("are not counted against anybody who was refused", () => {
    const clock = testClock();
    const arrivals = createArrivals(4, clock);
    expect(letIn(arrivals, 100, "flood")).toBe(1);
    expect(letIn(arrivals, 10)).toBe(3);
  });

  test("that were nobody take nothing of the others' rate, only of their address's", () => {
    const clock = testClock();
    const arrivals = createArrivals(8, clock);
    for (let n = 0; n < 100; n += 1) if (arrivals.take("guesser")) arrivals.giveBack();
    expect(arrivals.take("guesser")).toBe(false);
    expect(letIn(arrivals, 20)).toBe(8);
    for (let n = 0; n < 100; n += 1) arrivals.giveBack();
    expect(letIn(arrivals, 20)).toBe(8);
  });

  test("have no limit if it is 0", () => {
    expect(letIn(createArrivals(0, testClock()), 10_000, "a")).toBe(10_000);
  });
});
