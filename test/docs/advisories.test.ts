/** Every row of what happened to others has tests, and they are there under these names. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ADVISORIES, type Row } from "../advisories/advisories.ts";

const root = join(import.meta.dir, "../..");

/** Proofs that are not where the row says. */
function missing({ proofs }: Row): string[] {
  return Object.entries(proofs).flatMap(([file, names]) => {
    const path = join(root, file);
    if (!existsSync(path)) return [file];
    const text = readFileSync(path, "utf8");
    return names.filter((name) => !text.includes(name)).map((name) => `${file}: ${name}`);
  });
}

describe.each(Object.entries(ADVISORIES))("%s", (_, rows) => {
  test.each(rows.map((row) => [row.advisory, row] as const))(
    "%s is proven by tests that are there",
    (_, row) => {
      expect(Object.values(row.proofs).flat()).not.toBeEmpty();
      expect(missing(row)).toEqual([]);
    },
  );
});

test("no advisory stands twice", () => {
  const all = Object.values(ADVISORIES).flat();
  const ids = all.flatMap(({ advisory }) => advisory.match(/(?:CVE|GHSA|PYSEC)-[\w-]+/g) ?? [advisory]);
  const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
  // One of a driver about two things: its Host and its versions.
  expect(twice).toEqual([]);
});

test("a test that is not there is missed", () => {
  const proofs = { "test/clock.test.ts": ["is no test of a clock"], "test/none.test.ts": ["any"] };
  expect(missing({ advisory: "", happened: "", expected: "", proofs })).toEqual([
    "test/clock.test.ts: is no test of a clock",
    "test/none.test.ts",
  ]);
});
