import { expect, test } from "bun:test";
import { createLag } from "../../src/metrics/lag.ts";
import { testClock } from "../clock.ts";

/** A clock whose timers can be held up: time goes on, and they come late. */
function lateClock() {
  const clock = testClock();
  let late = 0;
  return {
    ...clock,
    now: () => clock.now() + late,
    hold: (ms: number) => {
      late += ms;
    },
    pending: () => clock.pending,
  };
}

test("the lag is by how much a look came late, the most of them", () => {
  const clock = lateClock();
  const lag = createLag(clock);
  lag.start();
  clock.advance(1_000);
  expect(lag.most).toBe(0);
  clock.hold(2_000);
  clock.advance(1_000);
  clock.hold(300);
  clock.advance(1_000);
  expect(lag.most).toBe(2_000);
});

test("the lag is seen for at least 15 s, and forgotten after 30", () => {
  const clock = lateClock();
  const lag = createLag(clock);
  lag.start();
  clock.advance(14_000);
  clock.hold(500);
  clock.advance(15_000);
  expect(lag.most).toBe(500);
  clock.advance(16_000);
  expect(lag.most).toBe(0);
});

test("nothing is looked at before the start and after the stop, however often they are told", () => {
  const clock = lateClock();
  const lag = createLag(clock);
  expect([lag.most, clock.pending()]).toEqual([0, 0]);
  lag.start();
  lag.start();
  expect(clock.pending()).toBe(1);
  lag.stop();
  lag.stop();
  expect(clock.pending()).toBe(0);
});
