import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { nestsDeeper } from "../../src/wire/json-depth.ts";

/** The depth of a value by definition, for values that are shallow enough to recurse into. */
function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe("nestsDeeper", () => {
  test("agrees with the depth of the parsed value, whatever the JSON and the limit", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), fc.nat(8), (text, limit) => {
        expect(nestsDeeper(text, limit)).toBe(depthOf(JSON.parse(text)) > limit);
      }),
    );
  });

  test("agrees with the depth of the parsed value when strings are full of brackets, quotes and backslashes", () => {
    const nasty = fc.string({ unit: fc.constantFrom('"', "\\", "[", "]", "{", "}", "a") });
    fc.assert(
      fc.property(fc.array(fc.dictionary(nasty, fc.array(nasty))), (value) => {
        expect(nestsDeeper(JSON.stringify(value), 2)).toBe(depthOf(value) > 2);
        expect(nestsDeeper(JSON.stringify(value), 3)).toBe(false);
      }),
    );
  });

  test("allows exactly 32 levels by default", () => {
    expect(nestsDeeper("[".repeat(32) + "]".repeat(32))).toBe(false);
    expect(nestsDeeper(`${'{"a":'.repeat(33)}1${"}".repeat(33)}`)).toBe(true);
  });

  test("takes as many siblings as there are", () => {
    expect(nestsDeeper(`[${"[],".repeat(10_000)}{}]`, 2)).toBe(false);
  });

  test("ends on text that is not JSON", () => {
    for (const text of ["", '"', '"\\', '"\\"', "]]]]", "plain", '{"a']) {
      expect(nestsDeeper(text)).toBe(false);
    }
  });
});
