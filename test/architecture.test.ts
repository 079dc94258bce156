/** The tree keeps the house rules of ARCHITECTURE.md. What each rule means stands in architecture/rules.ts. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as rules from "./architecture/rules.ts";
import { folder } from "./folder.ts";

const root = join(import.meta.dir, "..");
const listed = Bun.spawnSync(["git", "ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
});
const paths = listed.stdout.toString().trim().split("\n");
const files: rules.Files = new Map(
  paths
    .filter((path) => existsSync(join(root, path)))
    .map((path) => [path, readFileSync(join(root, path), "utf8")]),
);

test("sees the source, so that no rule passes for want of files", () => {
  expect(files.has("src/clock.ts")).toBe(true);
  expect(files.has("package-lock.json")).toBe(true);
});

test("imports go one way only", () => expect(rules.arrows(files)).toEqual([]));
test("no import goes in a circle, types included", () => expect(rules.cycles(files)).toEqual([]));
test("no file is over its line budget", () => expect(rules.tooLong(files)).toEqual([]));
test("words that belong to one file are used in that file only", () =>
  expect(rules.names(files)).toEqual([]));
test("no file is a drawer", () => expect(rules.drawers(files)).toEqual([]));
test("every source file opens with what it is", () => expect(rules.headless(files)).toEqual([]));
test("nothing names a machine's paths or a private host", () =>
  expect(rules.machinePaths(files)).toEqual([]));
test("npm ci finds all it needs in the lockfile, for other platforms too", () =>
  expect(rules.unlocked(files)).toEqual([]));

test("the linter refuses a function of more than 80 lines in src", () => {
  const { vcs: _, ...config } = JSON.parse(files.get("biome.json") ?? "");
  const lint = (lines: number) => {
    const body = "  console.error(1);\n".repeat(lines);
    const text = `/** Sample. */\nexport function sample() {\n${body}}\n`;
    const cwd = folder({ "biome.json": JSON.stringify(config), "src/sample.ts": text });
    return Bun.spawnSync([join(root, "node_modules/.bin/biome"), "lint", "."], { cwd });
  };
  expect(lint(81).stderr.toString()).toContain("noExcessiveLinesPerFunction");
  expect(lint(80).exitCode).toBe(0);
});

test("there are at least 1.2 lines of test for each of source", () => {
  expect(rules.testRatio(files)).toBeGreaterThanOrEqual(1.2);
});
