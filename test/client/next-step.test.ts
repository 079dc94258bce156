import { expect, test } from "bun:test";
import { nextStep, retryHint } from "../../src/client/next-step.ts";
import { CLOSE_CODES } from "../../src/wire/close-codes.ts";

test("every code of the table is followed by what the table says", () => {
  for (const [code, { next }] of Object.entries(CLOSE_CODES)) {
    expect(`${code} ${nextStep(Number(code))}`).toBe(`${code} ${next}`);
  }
});

test("a token that does not count is asked for anew, a missing right is final", () => {
  expect(nextStep(3000)).toBe("fresh");
  expect(nextStep(3003)).toBe("stop");
});

test("codes of ours below 4500 are retried, those from there on are final", () => {
  expect([4000, 4029, 4499].map(nextStep)).toEqual(["retry", "retry", "retry"]);
  expect([4500, 4590, 4999].map(nextStep)).toEqual(["stop", "stop", "stop"]);
});

test("a torn connection and a code that nobody knows are retried", () => {
  expect([1005, 1006, 1015, 2000, 3008, 3999].map(nextStep)).toEqual(Array(6).fill("retry"));
});

test("the reason of a close may ask for a wait", () => {
  expect(retryHint("retry=1500")).toBe(1_500);
  expect([retryHint(""), retryHint("retry soon"), retryHint("no retry=5")]).toEqual([0, 0, 0]);
});
