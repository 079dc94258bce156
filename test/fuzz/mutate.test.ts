/** Chance that repeats itself, and changes that leave most of a thing as it was. */
import { expect, test } from "bun:test";
import { chanceOf } from "./chance.ts";
import { mutateBytes, mutateJson } from "./mutate.ts";

const draws = (seed: number, name: string, input: number) =>
  chanceOf(seed, name, input).bytes(16).toString("hex");

test("draws the same again for the same seed, name and number, and else something different", () => {
  expect(draws(1, "a", 2)).toBe(draws(1, "a", 2));
  const all = [draws(1, "a", 2), draws(2, "a", 2), draws(1, "b", 2), draws(1, "a", 3), draws(1, "a2", 3)];
  expect(new Set(all).size).toBe(all.length);
});

test("picks everything in the end, and nothing from an empty list", () => {
  const chance = chanceOf(1, "pick", 0);
  expect(new Set(Array.from({ length: 100 }, () => chance.pick([1, 2, 3]))).size).toBe(3);
  expect(() => chance.pick([])).toThrow("nothing to pick from");
});

test("changes bytes in one place: a beginning and an end stay", () => {
  const bytes = Buffer.from("0123456789abcdefghij");
  let changed = 0;
  for (let n = 0; n < 500; n += 1) {
    const mutated = mutateBytes(chanceOf(1, "bytes", n), bytes, ["word"]);
    let same = 0;
    while (same < mutated.length && mutated[same] === bytes[same]) same += 1;
    let tail = 0;
    while (tail < mutated.length - same && mutated.at(-1 - tail) === bytes.at(-1 - tail)) tail += 1;
    expect(mutated.length - same - tail).toBeLessThanOrEqual(16);
    if (!mutated.equals(bytes)) changed += 1;
  }
  expect(changed).toBeGreaterThan(400);
});

test("changes JSON in one place, never the value that it was given, and may add a key called __proto__", () => {
  const value = { a: 1, b: ["x", { c: null }], d: { e: "f" } };
  const before = JSON.stringify(value);
  const all = Array.from({ length: 2_000 }, (_, n) => mutateJson(chanceOf(1, "json", n), value));
  expect(JSON.stringify(value)).toBe(before);
  const texts = all.map((one) => JSON.stringify(one));
  expect(new Set(texts).size).toBeGreaterThan(200);
  expect(texts.filter((text) => text.includes('"d":{"e":"f"}')).length).toBeGreaterThan(1_000);
  expect(all.some((one) => one !== null && Object.hasOwn(Object(one), "__proto__"))).toBe(true);
  expect(({} as { e?: unknown }).e).toBeUndefined();
});
