/** docs/client.md and the library name the same errors and kinds of status. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { page, root } from "./markdown.ts";

const { text: doc } = page("docs/client.md");

/** First cells of the table under a heading, without the server's words. */
function named(heading: string): string[] {
  const section = doc.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| `(\w+)` /gm)].map(([, name = ""]) => name);
}

/** Strings that a type of the library's source is made of. */
function literals(file: string, pattern: RegExp): string[] {
  const source = readFileSync(join(root, "src/client", file), "utf8");
  return [...source.matchAll(pattern)].map(([, name = ""]) => name);
}

test("docs/client.md has each error code of the library, and no other", () => {
  const codes = literals("errors.ts", /^ {2}\| "(\w+)"/gm);
  expect(codes).toContain("unknown");
  expect(named("Errors").toSorted()).toEqual(codes.toSorted());
});

test("docs/client.md has each status, and no other", () => {
  const types = literals("status.ts", /readonly type: "(\w+)"/g);
  expect(types).toContain("open");
  expect(named("Status").toSorted()).toEqual(types.toSorted());
});
