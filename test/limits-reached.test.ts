import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { page, rows, section } from "./docs/markdown.ts";
import { REACHED } from "./limits-reached.ts";

/** docs/limits.md is written from the config, so its table has every option that bounds something. */
const limits = rows(section(page("docs/limits.md"), "Options")).map(([name = ""]) =>
  name.replace(/ \(.*/, ""),
);

test("every limit has a test that reaches it, and no other", () => {
  expect(Object.keys(REACHED).sort()).toEqual([...limits].sort());
});

for (const [limit, [file, name]] of Object.entries(REACHED)) {
  test(`the test that reaches ${limit} is there`, () => {
    const path = join(import.meta.dir, file);
    expect(existsSync(path) ? readFileSync(path, "utf8") : `there is no ${path}`).toContain(name);
  });
}
