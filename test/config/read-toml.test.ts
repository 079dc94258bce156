import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { stringify } from "smol-toml";
import type { KeyPath } from "../../src/config/key-path.ts";
import { readToml } from "../../src/config/read-toml.ts";
import { mapToml } from "../../src/config/toml-lines.ts";
import { faultsOf, linesOf, readValue } from "./reading.ts";

const sample = `# head
engine = "memory"

[listen]
host = """
two
lines"""
port = 1

[routes."/a"]
kind = "echo"
slow.policy = "pause"
heartbeat = { ping = "1s", pong = "2s" }

[routes.'/b'] # remark
kind = "bridge"
subprotocols = [
  "mqtt", # ] not the end
  "x",
]
target = 'a = "b"'

[[lists]]
a = 1
[[lists]]
a = 2
b.c = 3
`;

test("knows the line of every key and list item", () => {
  const expected: [KeyPath, number][] = [
    [["engine"], 2],
    [["listen"], 4],
    [["listen", "host"], 5],
    [["listen", "port"], 8],
    [["routes", "/a"], 10],
    [["routes", "/a", "kind"], 11],
    [["routes", "/a", "slow", "policy"], 12],
    [["routes", "/a", "heartbeat", "pong"], 13],
    [["routes", "/b"], 15],
    [["routes", "/b", "subprotocols"], 17],
    [["routes", "/b", "subprotocols", 1], 19],
    [["routes", "/b", "target"], 21],
    [["lists", 0, "a"], 24],
    [["lists", 1, "a"], 26],
    [["lists", 1, "b", "c"], 27],
  ];
  expect(linesOf(readToml(sample), ...expected.map(([path]) => path))).toEqual(
    expected.map(([, line]) => line),
  );
});

test("finds the line of every key of what the package writes", () => {
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean());
  const table = fc.dictionary(
    fc.string({ minLength: 1 }),
    fc.dictionary(fc.string({ minLength: 1 }), leaf, { minKeys: 1 }),
    { minKeys: 1 },
  );
  fc.assert(
    fc.property(table, (value) => {
      const read = readToml(stringify(value));
      expect(readValue(read)).toEqual(JSON.parse(JSON.stringify(value)));
      for (const [section, keys] of Object.entries(value)) {
        const [head = 0, ...rest] = linesOf(
          read,
          [section],
          ...Object.keys(keys).map((key) => [section, key]),
        );
        expect(rest.every((line, index) => line === head + index + 1)).toBe(true);
      }
    }),
  );
});

test("never throws and never hangs, whatever the text", () => {
  const pieces = fc.array(fc.constantFrom(..."{}[]=,\"'\\ \n0a#.-_", "a = ", "[a]\n", '"""', "'''"), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        pieces.map((all) => all.join("")),
      ),
      (text) => {
        readToml(text);
        mapToml(text);
      },
    ),
    { numRuns: 2_000 },
  );
});

describe("names line and fault when", () => {
  test.each([
    ["a value is missing", "a = 1\nb =\n", "2: is not valid TOML: invalid value"],
    [
      "a key is there twice",
      "a = 1\na = 2\n",
      "2: is not valid TOML: trying to redefine an already defined table or value",
    ],
    [
      "a number is too long",
      "a = 99999999999999999999",
      "1: is not valid TOML: integer value cannot be represented losslessly",
    ],
  ])("%s", (_, text, fault) => {
    expect(faultsOf(readToml(text))).toEqual([fault]);
  });
});

test("refuses nesting without exhausting the stack or the day", () => {
  expect(faultsOf(readToml(`a = ${"[".repeat(200_000)}`))[0]).toContain("excessively nested");
  for (const depth of [2_000, 500_000]) readToml(`[${"a.".repeat(depth)}a]`);
});

test("keeps a key called __proto__ as a key", () => {
  const value = readValue(readToml("[__proto__]\npolluted = true\n"));
  expect(Object.keys(value as object)).toEqual(["__proto__"]);
  expect("polluted" in {}).toBe(false);
});
