import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readJson } from "../../src/config/read-json.ts";
import { faultsOf, linesOf, readValue } from "./reading.ts";

test("reads every JSON value as the runtime does, however it is spaced", () => {
  const value = fc.jsonValue({ maxDepth: 6 });
  fc.assert(
    fc.property(value, fc.constantFrom(0, 2, "\t", "\r\n"), (json, indent) => {
      const text = JSON.stringify(json, null, indent);
      expect(readValue(readJson(text))).toEqual(JSON.parse(text));
    }),
  );
});

test("takes no text that the runtime refuses, and never throws", () => {
  const pieces = fc.array(fc.constantFrom(..."{}[]:,\"'\\ \n0123-+.eEtruefalsn#/", '"a"', "true", "null"), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        pieces.map((all) => all.join("")),
      ),
      (text) => {
        const faults = faultsOf(readJson(text));
        if (faults.length === 0) expect(() => JSON.parse(text)).not.toThrow();
      },
    ),
    { numRuns: 2_000 },
  );
});

test("knows the line of every key and list item", () => {
  const read = readJson(
    '{\n  "listen": { "port": 1,\n    "host": "x" },\n  "list": [\n    1,\n    { "a": 2 }\n  ]\n}',
  );
  expect(
    linesOf(read, ["listen"], ["listen", "port"], ["listen", "host"], ["list", 0], ["list", 1, "a"]),
  ).toEqual([2, 2, 3, 5, 6]);
});

test("answers with the section's line when a key is not there", () => {
  expect(linesOf(readJson('{\n"a": {}\n}'), ["a", "missing", "deep"], ["b"])).toEqual([2, undefined]);
});

describe("names line and fault when", () => {
  test.each([
    ["a comma is missing", '{\n "a": 1\n "b": 2 }', '3: expected , or }, found "\\""'],
    ["a comma is left over", '{\n "a": 1,\n}', '3: expected a key in double quotes, found "}"'],
    ["a list does not end", "[1,\n2", "2: expected , or ], found the end of the file"],
    ["a key has no quotes", "{ a: 1 }", '1: expected a key in double quotes, found "a"'],
    ["a colon is missing", '{ "a" 1 }', '1: expected : after the key "a", found "1"'],
    ["a value is missing", '{ "a": }', '1: expected a value, found "}"'],
    ["a number is none", '{ "a": 01 }', '1: expected a value, found "01"'],
    ["there is a comment", '{\n // hi\n "a": 1 }', '2: expected a key in double quotes, found "/"'],
    ["text follows the value", "{}\n{}", "2: has text after the end of its value"],
    ["a key is there twice", '{ "a": 1,\n "a": 2 }', '2: has the key "a" twice; keep one'],
    ["a string has a bare line end", '{ "a": "x\n" }', '1: expected a value, found "\\""'],
  ])("%s", (_, text, fault) => {
    expect(faultsOf(readJson(text))).toEqual([fault]);
  });
});

test("refuses nesting before it can exhaust the stack", () => {
  for (const open of ["[", '{"a":', '[{"a":']) {
    expect(faultsOf(readJson(open.repeat(200_000)))).toEqual(["1: is nested deeper than 32 levels"]);
  }
});

test("keeps a key called __proto__ as a key", () => {
  const value = readValue(readJson('{ "__proto__": { "polluted": true } }'));
  expect(Object.keys(value as object)).toEqual(["__proto__"]);
  expect("polluted" in {}).toBe(false);
});
