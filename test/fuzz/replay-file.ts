/** Inputs as a file that can be run again: JSON, each piece in base64. */
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Input } from "./target.ts";

export interface Replay {
  readonly target: string;
  readonly inputs: readonly Input[];
}

/** The file's path. */
export function keepReplay({ target, inputs }: Replay, seed: number): string {
  const file = join(tmpdir(), `fairlead-fuzz-${target}-${seed}.json`);
  const written = inputs.map((pieces) => pieces.map((piece) => Buffer.from(piece).toString("base64")));
  writeFileSync(file, `${JSON.stringify({ target, seed, inputs: written }, null, 2)}\n`);
  return file;
}

export function readReplay(file: string): Replay {
  const { target, inputs }: { target: string; inputs: string[][] } = JSON.parse(readFileSync(file, "utf8"));
  return { target, inputs: inputs.map((pieces) => pieces.map((piece) => Buffer.from(piece, "base64"))) };
}
