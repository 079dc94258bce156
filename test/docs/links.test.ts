import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { PROCESS_METRICS } from "../../src/metrics/process.ts";
import { ROUTE_METRICS } from "../../src/metrics/route.ts";
import { WORKERS_METRICS } from "../../src/metrics/workers.ts";
import { allPages, headings, type Page, page, prose, readerPages, root } from "./markdown.ts";

/** What GitHub makes of a heading. */
function anchor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");
}

function brokenLinks(from: Page): string[] {
  const targets = [...prose(from).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target) && isBroken(from, target));
}

function isBroken(from: Page, target: string): boolean {
  const [file = "", fragment] = target.split("#");
  const path = file === "" ? from.path : normalize(join(dirname(from.path), file));
  if (path.startsWith("..") || !existsSync(join(root, path))) return true;
  return fragment !== undefined && !headings(page(path)).map(anchor).includes(fragment);
}

const NAMED = /`((?:src|docs|bench|test|scripts|examples|bin)\/[\w./-]*\w)`/g;

function missingFiles({ text }: Page): string[] {
  return [...text.matchAll(NAMED)]
    .map(([, path = ""]) => path)
    .filter((path) => !existsSync(join(root, path)));
}

test("finds a link to a file or heading that is not there, and no other", () => {
  const text =
    "[1](README.md) [2](SECURITY.md#reporting) [3](nope.md) [4](README.md#nope) [5](https://example.com/x)";
  expect(brokenLinks({ path: "SELF.md", text })).toEqual(["nope.md", "README.md#nope"]);
  const named = { path: "SELF.md", text: "`src/gateway.ts` and `src/nope.ts`" };
  expect(missingFiles(named)).toEqual(["src/nope.ts"]);
});

for (const each of allPages()) {
  test(`${each.path} links to files and headings that are there`, () => {
    expect(brokenLinks(each)).toEqual([]);
  });

  test(`${each.path} names files that are there`, () => expect(missingFiles(each)).toEqual([]));
}

test("every page of the docs can be reached from their index", () => {
  const index = page("docs/README.md").text;
  const docs = readerPages().map(({ path }) => path);
  const listed = docs.filter((path) => path.startsWith("docs/") && path !== "docs/README.md");
  expect(listed.filter((path) => !index.includes(`](${path.slice("docs/".length)})`))).toEqual([]);
});

test("pages name no metric that /metrics does not have", () => {
  const known = new Set([...ROUTE_METRICS, ...PROCESS_METRICS, ...WORKERS_METRICS].map(({ name }) => name));
  const unknown = allPages().flatMap(({ path, text }) =>
    [...text.matchAll(/\bfairlead_[a-z_]*[a-z]/g)].flatMap(([name]) =>
      known.has(name) ? [] : [`${path}: ${name}`],
    ),
  );
  expect(known.size).toBeGreaterThan(20);
  expect(unknown).toEqual([]);
});
