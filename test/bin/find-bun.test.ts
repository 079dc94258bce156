import { expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { folder } from "../folder.ts";

const REAL = "#!/bin/sh\necho 1.4.9\n";
const STUB = "echo this is no Bun >&2; exit 1\n";
const BUN_PACKAGE = JSON.stringify({
  name: "bun",
  optionalDependencies: { "@oven/bun-toaster-x64": "1.4.9" },
});
const OVEN = "node_modules/@oven/bun-toaster-x64";

/** The layout npm makes, with the real program in one of its two places. */
function layout(place: "scripts ran" | "scripts ignored" | "neither", below = "") {
  const files: Record<string, string> = {
    "package.json": "{}",
    [`${below}package.json`]: "{}",
    "node_modules/bun/package.json": BUN_PACKAGE,
    "node_modules/bun/bin/bun.exe": place === "scripts ran" ? REAL : STUB,
    [`${OVEN}/package.json`]: "{}",
  };
  if (place === "scripts ignored") files[`${OVEN}/bin/bun`] = REAL;
  const root = folder(files);
  chmodSync(join(root, "node_modules/bun/bin/bun.exe"), 0o755);
  return root;
}

/** Asks under Node, since under Bun the answer is always "this one". */
function find(root: string, env: Record<string, string> = {}): string {
  const program = `
    import { findBun } from ${JSON.stringify(new URL("../../bin/find-bun.mjs", import.meta.url).href)};
    try { console.log(findBun(${JSON.stringify(root)}, ${JSON.stringify(env)})); } catch (error) { console.log("error: " + error.message); }`;
  const { stdout } = Bun.spawnSync(["node", "--input-type=module", "-e", program]);
  return stdout.toString().trim();
}

test("takes bun/bin/bun.exe when npm ran install scripts", () => {
  const root = layout("scripts ran");
  expect(find(root)).toBe(join(root, "node_modules/bun/bin/bun.exe"));
});

test("takes the platform package when npm ignored install scripts and bun.exe is a stub", () => {
  const root = layout("scripts ignored");
  expect(find(root)).toBe(join(root, OVEN, "bin/bun"));
});

test("finds both when the package is hoisted above it", () => {
  const root = layout("scripts ignored", "node_modules/fairlead/");
  expect(find(join(root, "node_modules/fairlead"))).toBe(join(root, OVEN, "bin/bun"));
});

test("falls back to PATH when the package brings no program that answers", () => {
  const root = layout("neither");
  const path = folder({ "old/bun": "#!/bin/sh\necho 1.3.14\n", "new/bun": REAL });
  expect(find(root, { PATH: `${path}/none::${path}/old:${path}/new` })).toBe(join(path, "new/bun"));
});

test("obeys FAIRLEAD_BUN before everything else", () => {
  const mine = join(folder({ mine: REAL }), "mine");
  expect(find(layout("scripts ran"), { FAIRLEAD_BUN: mine })).toBe(mine);
});

test("says which FAIRLEAD_BUN is wrong instead of looking on", () => {
  const old = join(folder({ old: "#!/bin/sh\necho 1.3.14\n" }), "old");
  const answer = find(layout("scripts ran"), { FAIRLEAD_BUN: old });
  expect(answer).toStartWith(`error: FAIRLEAD_BUN=${old} is not a Bun >= 1.4`);
});

test("says in one line what to do when there is no Bun at all", () => {
  const answer = find(folder({ "package.json": "{}" }));
  expect(answer).toMatch(/^error: found no Bun >= 1\.4 for .*set FAIRLEAD_BUN/);
  expect(answer).not.toContain("\n");
});
