import { describe, expect, test } from "bun:test";
import { createPace } from "../../../src/cli/replay/pace.ts";
import { testClock } from "../../clock.ts";

/** Whether a promise has settled by now. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  for (let i = 0; i < 5; i += 1) await Promise.resolve();
  return done;
}

const never = new AbortController().signal;

describe("the pace of a replay", () => {
  test("is that of the recording with speed 1", async () => {
    const clock = testClock();
    const pace = createPace(clock, 1);
    const due = pace(500, never);
    clock.advance(499);
    expect(await isDone(due)).toBe(false);
    clock.advance(1);
    expect(await isDone(due)).toBe(true);
  });

  test("is faster or slower with another speed", async () => {
    const clock = testClock();
    const [fast, slow] = [createPace(clock, 10)(500, never), createPace(clock, 0.5)(500, never)];
    clock.advance(50);
    expect([await isDone(fast), await isDone(slow)]).toEqual([true, false]);
    clock.advance(950);
    expect(await isDone(slow)).toBe(true);
  });

  test("waits for nothing with speed 0, nor for what is late", async () => {
    const clock = testClock();
    expect(await isDone(createPace(clock, 0)(1e12, never))).toBe(true);
    const pace = createPace(clock, 1);
    clock.advance(1_000);
    expect(await isDone(pace(900, never))).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test("ends when its signal aborts, and leaves no timer", async () => {
    const clock = testClock();
    const stop = new AbortController();
    const due = createPace(clock, 1)(500, stop.signal);
    stop.abort();
    expect([await isDone(due), clock.pending]).toEqual([true, 0]);
  });

  test("goes further than timers do", async () => {
    const clock = testClock();
    const month = 30 * 24 * 60 * 60 * 1_000;
    const due = createPace(clock, 1)(month, never);
    for (let day = 0; day < 30; day += 1) {
      expect(await isDone(due)).toBe(false);
      clock.advance(month / 30);
    }
    expect(await isDone(due)).toBe(true);
  });
});
