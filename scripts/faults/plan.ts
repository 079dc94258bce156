/** Which tests prove what: from faults to runs of test files. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BORROWED } from "../../test/faults/borrowed.ts";
import type { Fault } from "../../test/faults/catalogue.ts";

/** Tests of one file, to be run together. */
export interface Job {
  readonly file: string;
  /** Matches the names of those tests, and maybe of more. */
  readonly pattern: RegExp;
}

const FOLDER = "test/faults";
/** What else lies there. */
const NO_TESTS = ["borrowed.ts", "catalogue.ts"];

/** `"12: text"` or `` `12: text` `` where a test is made: name of a test of this folder. */
const NAME = /\(\s*["`](\d+): /g;

/** Files of the folder that have tests, and the numbers of the faults that they inject. */
export function ownFiles(root: string): Map<string, readonly number[]> {
  const names = readdirSync(join(root, FOLDER)).filter((name) => name.endsWith(".ts"));
  const found = names.sort().map((name): [string, number[]] => {
    const text = NO_TESTS.includes(name) ? "" : readFileSync(join(root, FOLDER, name), "utf8");
    return [`${FOLDER}/${name}`, [...text.matchAll(NAME)].map(([, number]) => Number(number))];
  });
  return new Map(found.filter(([, numbers]) => numbers.length > 0));
}

/** The names of borrowed tests are parts of them; `%s` stands for what differs between the cases of one. */
export function namePattern(name: string): string {
  return name
    .split("%s")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".+");
}

export function ownPattern(number: number): string {
  return `(^| )${number}: `;
}

/** One job a file. */
export function plan(root: string, faults: readonly Fault[]): Job[] {
  const patterns = new Map<string, string[]>();
  const add = (file: string, pattern: string) => {
    patterns.set(file, [...(patterns.get(file) ?? []), pattern]);
  };
  const own = [...ownFiles(root)];
  for (const { number } of faults) {
    for (const [file, numbers] of own) if (numbers.includes(number)) add(file, ownPattern(number));
    for (const [file, names] of Object.entries(BORROWED[number] ?? {}))
      for (const name of names) add(file, namePattern(name));
  }
  return [...patterns].map(([file, each]) => ({ file, pattern: new RegExp(each.join("|")) }));
}
