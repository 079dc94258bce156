import { expect, test } from "bun:test";
import { systemClock } from "../src/clock.ts";
import { testClock } from "./clock.ts";

test("runs timers in the order of their due time when the test clock advances", () => {
  const clock = testClock();
  const seen: string[] = [];
  clock.after(20, () => seen.push("late"));
  clock.after(10, () => seen.push("early"));
  clock.every(8, () => seen.push("tick"));
  clock.advance(20);
  expect(seen).toEqual(["tick", "early", "tick", "late"]);
});

test("does not run a timer that was cancelled", () => {
  const clock = testClock();
  clock.after(10, () => expect.unreachable()).cancel();
  clock.advance(50);
  expect(clock.pending).toBe(0);
});

test("runs a timer on the system clock once its time has come", async () => {
  const before = systemClock.now();
  await new Promise<void>((done) => systemClock.after(5, done));
  expect(systemClock.now() - before).toBeGreaterThanOrEqual(4);
});

test("runs a timer of the system clock at once if its time has passed, and nothing is written about it", async () => {
  const warnings: string[] = [];
  const warned = ({ message }: Error) => void warnings.push(message);
  process.on("warning", warned);
  await new Promise<void>((done) => systemClock.after(-45, done));
  await new Promise<void>((done) => systemClock.after(5, done));
  process.off("warning", warned);
  expect(warnings).toEqual([]);
});

test("stops an interval on the system clock when it is cancelled", async () => {
  await new Promise<void>((done) => {
    let ticks = 0;
    const timer = systemClock.every(1, () => {
      ticks += 1;
      expect(ticks).toBe(1);
      timer.cancel();
      systemClock.after(5, done);
    });
  });
});
