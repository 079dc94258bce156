/** Recordings as tests look at them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Data } from "../../src/connection.ts";
import { type Direction, type Line, readLine } from "../../src/recording/lines.ts";

/** The lines of each recording in a folder, in the order of their names. */
export function recordingsIn(dir: string): Line[][] {
  return readdirSync(dir)
    .sort()
    .map((name) => readFileSync(join(dir, name), "utf8").trimEnd().split("\n").map(readLine));
}

export function framesOf(lines: readonly Line[] = []): [Direction, Data][] {
  return lines.flatMap((line): [Direction, Data][] =>
    line.type === "frame" ? [[line.frame.dir, line.frame.data]] : [],
  );
}

/** All that one side said, as bytes. */
export function bytesOf(lines: readonly Line[] = [], direction: Direction): Buffer {
  return Buffer.concat(
    framesOf(lines).flatMap(([dir, data]) => (dir === direction ? [Buffer.from(data as Uint8Array)] : [])),
  );
}
