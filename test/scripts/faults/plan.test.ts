import { expect, test } from "bun:test";
import { namePattern, ownPattern, plan } from "../../../scripts/faults/plan.ts";
import { root } from "../../docs/markdown.ts";
import { FAULTS } from "../../faults/catalogue.ts";

test("a part of a name is taken literally, but for %s", () => {
  const pattern = new RegExp(namePattern("a (b) %s c."));
  expect(["a (b) x c.", "a (b)  c.", "a (b) x cc"].map((name) => pattern.test(name))).toEqual([
    true,
    false,
    false,
  ]);
});

test("a number is found at the beginning of a name, in a group or not, and only whole", () => {
  const pattern = new RegExp(ownPattern(4));
  expect(["4: a", "group 4: a", "14: a", "x 4 a"].map((name) => pattern.test(name))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test("each file is run once, with all that is asked of it", () => {
  const jobs = plan(root, FAULTS);
  const files = jobs.map(({ file }) => file);
  expect(new Set(files).size).toBe(files.length);
  const attacks = jobs.find(({ file }) => file === "test/attacks.test.ts");
  for (const name of [
    "by RST or FIN late is counted as 1006",
    "60 pings in 10 s are answered, and the 61st closes with 1008",
  ])
    expect(attacks?.pattern.test(name)).toBe(true);
  expect(
    plan(
      root,
      FAULTS.filter(({ notBuilt }) => notBuilt !== undefined),
    ),
  ).toEqual([]);
});
