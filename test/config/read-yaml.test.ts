import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { stringify } from "yaml";
import { readYaml } from "../../src/config/read-yaml.ts";
import { faultsOf, linesOf, readValue } from "./reading.ts";

test("reads what the package writes", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue({ maxDepth: 3 })), (value) => {
      fc.pre(Object.keys(value).length > 0);
      const json: unknown = JSON.parse(JSON.stringify(value)); // JSON has no -0
      expect(readValue(readYaml(stringify(json)))).toEqual(json);
    }),
  );
});

test("never throws, whatever the text", () => {
  const pieces = fc.array(
    fc.constantFrom(..."{}[]:,\"'\\ \n0a#-?&*!|>%@`", "a: ", "\n  ", "- ", "&x ", "*x", "---\n"),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        pieces.map((all) => all.join("")),
      ),
      (text) => {
        readYaml(text);
      },
    ),
    { numRuns: 500 },
  );
});

test("knows the line of every key and list item, in blocks and in braces", () => {
  const read = readYaml(
    "# head\nlisten:\n  port: 1\nroutes:\n  /a: { kind: echo,\n    welcome: x }\nlist:\n  - 1\n  - b: 2\n",
  );
  expect(
    linesOf(
      read,
      ["listen"],
      ["listen", "port"],
      ["routes", "/a"],
      ["routes", "/a", "welcome"],
      ["list", 0],
      ["list", 1, "b"],
    ),
  ).toEqual([2, 3, 5, 6, 8, 9]);
});

test("takes aliases, and answers for what is in one with the line of its use", () => {
  const read = readYaml("a: &a { x: 1 }\nb: *a\n");
  expect(readValue(read)).toEqual({ a: { x: 1 }, b: { x: 1 } });
  expect(linesOf(read, ["b", "x"])).toEqual([2]);
});

describe("names line and fault when", () => {
  test.each([
    ["a key is there twice", "a: 1\nb: 2\na: 3\n", '3: has the key "a" twice; keep one'],
    ["a key is no text", "a: 1\n? [x, y]\n: 2\n", "2: has a list or table as a key; a key is plain text"],
    ["a key is an alias", "a: &a x\n*a : 2\n", "2: has an alias as a key; a key is plain text"],
    ["there are two documents", "a: 1\n---\nb: 2\n", "2: holds more than one document; keep one"],
  ])("%s", (_, text, fault) => {
    expect(faultsOf(readYaml(text))).toEqual([fault]);
  });

  test("a bracket does not end", () => {
    expect(faultsOf(readYaml("a: 1\nb: [1, 2\n"))[0]).toStartWith(
      "3: Flow sequence in block collection must be",
    );
  });

  test("a tab indents", () => {
    expect(faultsOf(readYaml("a:\n\tb: 1\n"))[0]).toStartWith("2: Tabs are not allowed as indentation");
  });
});

describe("refuses without hanging", () => {
  const lol = (count: number) => `[${"*a, ".repeat(count)}]`;
  const bomb = [
    "a: &a [x, x, x, x, x]",
    ...["b", "c", "d", "e"].map(
      (key, index) => `${key}: &${key} ${lol(9).replaceAll("*a", `*${"abcd"[index]}`)}`,
    ),
  ];

  test("aliases that multiply", () => {
    expect(faultsOf(readYaml(bomb.join("\n")))[0]).toContain("Excessive alias count");
  });

  test("nesting deeper than a config can be", () => {
    const deep = Array.from({ length: 40 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n");
    expect(faultsOf(readYaml(deep))).toEqual(["34: is nested deeper than 32 levels"]);
  });

  test.each([
    ["dashes", "- ".repeat(20_000)],
    ["brackets", "[".repeat(20_000)],
    ["commas", `[${",".repeat(20_000)}]`],
    ["anchors", "&a ".repeat(20_000)],
  ])("a file of nothing but %s", (_, text) => {
    const faults = faultsOf(readYaml(text));
    expect(faults.length).toBeGreaterThan(0);
    expect(faults.length).toBeLessThanOrEqual(20);
    expect(Math.max(...faults.map(({ length }) => length))).toBeLessThan(200);
  });

  test("a table of many thousand keys, which the package would compare each with each", () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `k${index}: 1`).join("\n");
    expect(linesOf(readYaml(many), ["k9999"])).toEqual([10_000]);
  });
});

test("keeps a key called __proto__ as a key", () => {
  const value = readValue(readYaml("__proto__:\n  polluted: true\n"));
  expect(Object.keys(value as object)).toEqual(["__proto__"]);
  expect("polluted" in {}).toBe(false);
});
