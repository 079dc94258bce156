import { expect, spyOn, test } from "bun:test";
import { planRetries } from "../../src/client/retries.ts";

const ending = (code: number, reason = "") => ({ code, reason, wasClean: true });
/** Without jitter: the least that a wait can be is what somebody asked for. */
const NONE = { minDelay: 0 };

test("a code after which no attempt helps is followed by none", () => {
  const retries = planRetries(true, NONE);
  expect([1008, 3003, 4590].map((code) => retries.after(ending(code), 0))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test("3000 is followed by one attempt with a fresh token, and by none after that", () => {
  const retries = planRetries(true, NONE);
  expect(retries.after(ending(3000), 1)).toBe(0);
  expect(retries.after(ending(1006), 0)).toBe(0);
  expect(retries.after(ending(3000), 1)).toBeUndefined();
});

test("3000 is final if the token cannot be had anew", () => {
  expect(planRetries(false, NONE).after(ending(3000), 0)).toBeUndefined();
});

test("3000 after a good connection is an expired token again", () => {
  const retries = planRetries(true, NONE);
  expect(retries.after(ending(3000), 1)).toBe(0);
  expect(retries.after(ending(3000), 10_000)).toBe(0);
});

test("a wait that the server asks for is kept once, and bounded", () => {
  const retries = planRetries(false, NONE);
  expect(retries.after(ending(4029, "retry=1500"), 0)).toBe(1_500);
  expect(retries.held()).toBe(true);
  expect(retries.after(ending(1006), 0)).toBe(0);
  expect(retries.held()).toBe(false);
  retries.hold(2_000);
  expect([retries.after(ending(1012), 0), retries.after(ending(1012), 0)]).toEqual([2_000, 0]);
  retries.hold(99_999_999_999);
  expect(retries.after(ending(1012), 0)).toBe(300_000);
});

test("waits grow with each failure, and begin anew after 10 s of a good connection", () => {
  using _chance = spyOn(Math, "random").mockReturnValue(1);
  const retries = planRetries(false, {});
  const waits = (...uptimes: number[]) => uptimes.map((uptime) => retries.after(ending(1006), uptime));
  expect(waits(0, 0, 9_999, 10_000, 0)).toEqual([250, 500, 1_000, 250, 500]);
  retries.good();
  expect(waits(0)).toEqual([250]);
});
