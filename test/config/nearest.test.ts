import { expect, test } from "bun:test";
import fc from "fast-check";
import { didYouMean, nearest } from "../../src/config/nearest.ts";

const KEYS = ["host", "port", "maxMessage", "heartbeat", "history", "welcome"];

test.each([
  ["prot", "port"],
  ["welcom", "welcome"],
  ["histroy", "history"],
  ["max_message", "maxMessage"],
  ["MAXMESSAGE", "maxMessage"],
  ["hartbeet", "heartbeat"],
])("means %s by %s", (typed, meant) => {
  expect(nearest(typed, KEYS)).toBe(meant);
});

test.each(["", "x", "banana", "a".repeat(65)])("guesses nothing when %p is near no key", (typed) => {
  expect(nearest(typed, KEYS)).toBeUndefined();
});

test("compares no word over 64 letters, as the work grows with their product", () => {
  expect(nearest("a".repeat(64), ["a".repeat(64)])).toBeDefined();
  expect(nearest("a".repeat(65), ["a".repeat(65)])).toBeUndefined();
});

test("takes the nearest when two are near", () => {
  expect(nearest("--log-lvel", ["--log-format", "--log-level"])).toBe("--log-level");
});

test("asks in a sentence of its own, or not at all", () => {
  expect(didYouMean("prot", KEYS)).toBe(" Did you mean port?");
  expect(didYouMean("banana", KEYS)).toBe("");
});

test("finds every word again in spite of one slip of the fingers", () => {
  const slip = fc.record({ key: fc.constantFrom(...KEYS), at: fc.nat(3), letter: fc.constantFrom(..."xyz") });
  fc.assert(
    fc.property(slip, ({ key, at, letter }) => {
      expect(nearest(key.slice(0, at) + letter + key.slice(at + 1), KEYS)).toBe(key);
    }),
  );
});
