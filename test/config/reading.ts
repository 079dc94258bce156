/** For the tests of the three formats: what was read, or the faults, without the union in the way. */
import type { KeyPath } from "../../src/config/key-path.ts";
import type { Read } from "../../src/config/source-map.ts";

export function readValue(read: Read): unknown {
  if ("faults" in read) throw new Error(JSON.stringify(read.faults));
  return read.source.value;
}

export function linesOf(read: Read, ...paths: KeyPath[]): (number | undefined)[] {
  if ("faults" in read) throw new Error(JSON.stringify(read.faults));
  return paths.map((path) => read.source.lines.lineOf(path));
}

/** `line: text` of each fault; a file that was read has none. */
export function faultsOf(read: Read): string[] {
  return "faults" in read ? read.faults.map(({ line, text }) => `${line}: ${text}`) : [];
}
