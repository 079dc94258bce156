import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Watched, watchSilence } from "../src/silence.ts";
import { type TestClock, testClock } from "./clock.ts";

interface Member extends Watched {
  excused: boolean;
}

function watch(timeout: number) {
  const clock = testClock();
  const members = new Set<Member>();
  const gone: number[] = [];
  const timer = watchSilence<Member>({
    clock,
    timeout,
    members,
    excused: (member) => member.excused,
    silent(member) {
      members.delete(member);
      gone.push(clock.now());
    },
  });
  const add = () => {
    const member = { heard: false, deadline: clock.now() + timeout, excused: false };
    members.add(member);
    return member;
  };
  return { clock, gone, add, timer };
}

/** A process that stands still: time passes, and the timers that fell due run once, at its end. */
function standStill(clock: TestClock, ms: number): TestClock {
  let stopped = 0;
  return {
    ...clock,
    now: () => clock.now() + stopped,
    advance(by) {
      stopped += ms;
      clock.advance(by);
    },
  };
}

test("notices a silent member never early, at most 5 % and at most 1 s late, whatever the timeout and its last word", () => {
  const timeouts = fc.integer({ min: 100, max: 120_000 });
  const gaps = fc.array(fc.double({ min: 0, max: 0.99, noNaN: true }), { maxLength: 5 });
  fc.assert(
    fc.property(timeouts, fc.nat(1_000), gaps, (timeout, start, gapsOfTimeout) => {
      const { clock, gone, add } = watch(timeout);
      clock.advance(start);
      const member = add();
      let last = clock.now();
      for (const gap of gapsOfTimeout) {
        clock.advance(gap * timeout);
        member.heard = true;
        last = clock.now();
      }
      expect(gone).toEqual([]);
      clock.advance(timeout + 1_000);
      const late = (gone[0] ?? Number.POSITIVE_INFINITY) - last - timeout;
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThanOrEqual(Math.min(timeout * 0.05, 1_000));
    }),
  );
});

test("keeps one timer for any number of members, and none once it is cancelled", () => {
  const { clock, add, timer } = watch(1_000);
  for (let i = 0; i < 100; i += 1) add();
  expect(clock.pending).toBe(1);
  timer.cancel();
  expect(clock.pending).toBe(0);
});

test("watches nobody when the timeout is 0", () => {
  const { clock, gone, add, timer } = watch(0);
  add();
  clock.advance(1_000_000);
  expect([clock.pending, gone.length]).toEqual([0, 0]);
  timer.cancel();
});

test("lets the time of an excused member stand still, and gives it the whole timeout afterwards", () => {
  const { clock, gone, add } = watch(1_000);
  const member = add();
  member.excused = true;
  clock.advance(10_000);
  member.excused = false;
  clock.advance(999);
  expect(gone).toEqual([]);
  clock.advance(51);
  expect(gone.length).toBe(1);
});

test("closes nobody at the first look after the whole process stood still", () => {
  const real = testClock();
  const clock = standStill(real, 60_000);
  const gone: Watched[] = [];
  const member = { heard: false, deadline: clock.now() + 1_000 };
  watchSilence({
    clock,
    timeout: 1_000,
    members: [member],
    excused: () => false,
    silent: (each) => void gone.push(each),
  });
  clock.advance(25);
  expect(gone).toEqual([]);
  real.advance(25);
  expect(gone).toEqual([member]);
});
