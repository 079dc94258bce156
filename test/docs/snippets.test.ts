import { describe, expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { folder } from "../folder.ts";
import { blocksOf, markOf, readerPages } from "./markdown.ts";
import { fileOf, matches, outputPattern } from "./snippets.ts";

/** `""` is a picture, `text` what something prints; the others are run: by this file, test/system/snippets.test.ts, `conf` by proxies.test.ts there. */
const LANGS = ["", "text", "conf", "sh", "js", "ts", "py", "yaml", "toml", "json"];
const MARKS = /^(?:file: [\w./-]+|exits \d+|not run: .{10,}|table .+)$/;

for (const page of readerPages()) {
  test(`${page.path} has blocks in languages that are run, and marks that are understood`, () => {
    const blocks = blocksOf(page);
    expect(
      blocks.filter(({ lang }) => !LANGS.includes(lang)).map(({ lang, line }) => `${line}: ${lang}`),
    ).toEqual([]);
    const marks = blocks.flatMap(({ marks, line }) => marks.map((mark) => `${line}: ${mark}`));
    expect(marks.filter((mark) => !MARKS.test(mark.replace(/^\d+: /, "")))).toEqual([]);
  });

  for (const block of blocksOf(page)) {
    const { lang, line, text } = block;
    if (!["yaml", "toml", "json"].includes(lang) || markOf(block, "not run: ") !== undefined) continue;
    test(`${page.path}:${line} is ${lang}, and a valid config if it has routes`, async () => {
      const parsed = parse(lang, text) as object;
      if (!("routes" in parsed) || fileOf(block)?.startsWith("broken") === true) return;
      const file = join(folder({ [`config.${lang}`]: text }), `config.${lang}`);
      const loaded = loadConfig({ base: { file }, folder: dirname(file), env: {}, flags: [] });
      expect(Object.keys((await loaded).config.routes)).not.toBeEmpty();
    });
  }
}

function parse(lang: string, text: string): unknown {
  if (lang === "json") return JSON.parse(text);
  return lang === "toml" ? Bun.TOML.parse(text) : Bun.YAML.parse(text);
}

describe("an expected output", () => {
  const fits = (expected: string, output: string) => matches(outputPattern(expected), output);

  test("fits itself, whatever blanks stand between columns and around lines", () => {
    expect(fits("a  b (1.5)\nc\n", "a      b (1.5)  \nc")).toBe(true);
    expect(fits("a b", "a  c")).toBe(false);
    expect(fits("a", "a\nb")).toBe(false);
  });

  test("has ... for anything within a line, and as a line for any lines", () => {
    expect(fits("price ... USD", "price 12.5 USD")).toBe(true);
    expect(fits("price ... USD", "price 12\n13 USD")).toBe(false);
    expect(fits("first\n...\nlast", "first\nlast")).toBe(true);
    expect(fits("first\n...\nlast", "first\n2\n3\nlast")).toBe(true);
    expect(fits("...\nlast", "first\nlast\nmore")).toBe(false);
  });
});
