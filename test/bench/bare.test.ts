/** The bare loops stay what they are for: short enough to be read at a glance. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROUTE_KINDS } from "../../src/route.ts";

test.each([...ROUTE_KINDS, "pub", "pipe", "compressed"])(
  "the bare loop of %s has at most 30 lines",
  (kind) => {
    const text = readFileSync(join(import.meta.dir, `../../bench/bare/${kind}.ts`), "utf8");
    expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(30);
  },
);
