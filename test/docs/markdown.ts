/**
 * The documents that users read, taken apart: pages, headings, tables, fenced blocks. Only as much Markdown as they use.
 * A comment right above a block says what is special about it: `<!-- file: NAME -->`, `<!-- exits N -->`, `<!-- not run: WHY -->`.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dir, "../..");

export interface Block {
  /** Of its opening fence, counted from 1. */
  readonly line: number;
  readonly lang: string;
  readonly text: string;
  /** Contents of the comments above it. */
  readonly marks: readonly string[];
  /** The `text` block that follows: what it prints. */
  readonly expected: string | undefined;
}

export interface Page {
  /** Relative to the project's root. */
  readonly path: string;
  readonly text: string;
}

/** README.md, docs and examples, in that order. */
export function readerPages(): Page[] {
  return ["README.md", ...below("docs"), ...below("examples")].map(page);
}

/** All of the project's pages. */
export function allPages(): Page[] {
  const top = readdirSync(root).filter((name) => name.endsWith(".md") && name !== "README.md");
  return [...readerPages(), ...top.map(page)];
}

export function page(path: string): Page {
  return { path, text: readFileSync(join(root, path), "utf8") };
}

/** A folder that is not there yet has no pages; git keeps no empty ones. */
function below(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && !name.includes("node_modules"))
    .map((name) => `${folder}/${name}`)
    .sort();
}

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;
const COMMENTS = /(?:<!-- [^\n]*? -->\s*)+$/;

export function blocksOf({ text }: Page): Block[] {
  const fences = [...text.matchAll(FENCE)];
  return fences.map((fence, index) => {
    const before = text.slice(0, fence.index);
    const end = fence.index + fence[0].length;
    const next = fences[index + 1];
    const follows = next?.[1] === "text" && text.slice(end, next.index).trim() === "";
    return {
      line: before.split("\n").length,
      lang: fence[1] ?? "",
      text: fence[2] ?? "",
      marks: [...(COMMENTS.exec(before)?.[0] ?? "").matchAll(/<!-- (.*?) -->/g)].map(([, mark = ""]) => mark),
      expected: follows ? next[2] : undefined,
    };
  });
}

/** The rest of the mark that begins so: `markOf(block, "file: ")`. */
export function markOf({ marks }: Block, start: string): string | undefined {
  return marks.find((mark) => mark.startsWith(start))?.slice(start.length);
}

/** Text without its blocks. */
export function prose({ text }: Page): string {
  return text.replaceAll(FENCE, "");
}

export function headings(page: Page): string[] {
  return [...prose(page).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => title);
}

/** The part below a heading, up to the next one of the same or a higher level. Throws when there is no such heading. */
export function section({ path, text }: Page, title: string): Page {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, "") === title);
  if (start === -1) throw new Error(`${path} has no section ${JSON.stringify(title)}`);
  const level = lines[start]?.indexOf(" ") ?? 0;
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => /^#+ /.test(line) && line.indexOf(" ") <= level);
  return { path, text: rest.slice(0, end === -1 ? undefined : end).join("\n") };
}

/** Rows of the tables of a page, without their heads, cells without their backticks. */
export function rows(page: Page): string[][] {
  const lines = prose(page).split("\n");
  return lines
    .filter((line, at) => line.startsWith("|") && !isRule(line) && !isRule(lines[at + 1] ?? ""))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("`", "")),
    );
}

const isRule = (line: string) => /^\|[\s|:-]+$/.test(line);
