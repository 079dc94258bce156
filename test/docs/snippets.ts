/** What the tests of the pages' blocks share: which file a block is, and whether an output is the expected one. */
import { type Block, markOf } from "./markdown.ts";

const NAMED_INSIDE = /^(?:\/\/|#) ([\w.-]+\.(?:ts|js|py|yaml|toml|json))\n/;

/** The file that a block is written to instead of being run: named by a mark, or by its own first comment. */
export function fileOf(block: Block): string | undefined {
  return markOf(block, "file: ") ?? NAMED_INSIDE.exec(block.text)?.[1];
}

/** `...` is anything within a line, a line of its own any number of lines; blanks count as one. */
export function outputPattern(expected: string): RegExp {
  const lines = expected.trim().split("\n");
  const source = lines.map((line) => (line.trim() === "..." ? "(?:.*\\n)*" : `${linePattern(line)}\\n`));
  return new RegExp(`^${source.join("")}$`);
}

function linePattern(line: string): string {
  const parts = line.trim().split("...");
  return parts.map((part) => RegExp.escape(part).replaceAll(/(?:\\x20)+/g, " +")).join(".*");
}

/** Whether all of an output fits. */
export function matches(pattern: RegExp, output: string): boolean {
  const lines = output.trim().split("\n");
  return pattern.test(lines.map((line) => `${line.trim()}\n`).join(""));
}
