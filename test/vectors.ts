/**
 * The vectors of fairlead.v1 in test/vectors/, which the tests of both ends read, and other people's may: each file is one array
 * of `{ name, ... }`. Frames stand as JSON in `frame`, or as they are in `text` where that matters, or as `hex` digits when binary.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** One frame, in one of three ways to write it. */
export interface FrameVector {
  readonly name: string;
  readonly frame?: unknown;
  readonly text?: string;
  readonly hex?: string;
}

export function readVectors<T extends { readonly name: string }>(file: string): readonly T[] {
  return JSON.parse(readFileSync(join(import.meta.dir, "vectors", `${file}.json`), "utf8"));
}

/** The frame as it goes over the wire. */
export function frameOf({ frame, text, hex }: FrameVector): string | Uint8Array {
  if (hex !== undefined) return bytesOf(hex);
  return text ?? JSON.stringify(frame);
}

/** Blanks between the digits are for readers. */
export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex.replaceAll(" ", ""));
}
