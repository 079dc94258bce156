/**
 * Reads a recording, one line after the other, whoever wrote it. Limits: MAX_LINE of memory.
 * Failure: a line that cannot be read is a problem in its place, and what follows is read on; so is an end that is missing.
 */
import { type Line, readLine } from "../../recording/lines.ts";
import { decodeUtf8 } from "../../wire/utf8.ts";

/** Bytes; a frame of 192 MiB, more than any gateway takes by default. */
const MAX_LINE = 256 * 1024 * 1024;
const LF = 0x0a;

export interface Numbered {
  /** From 1. */
  readonly number: number;
  readonly line: Line;
}

export async function* readRecording(
  chunks: AsyncIterable<Uint8Array>,
  maxLine = MAX_LINE,
): AsyncGenerator<Numbered> {
  let number = 0;
  let last: Line["type"] | undefined;
  const problem = (text: string): Numbered => ({ number, line: { type: "problem", problem: text } });
  for await (const bytes of linesOf(chunks, maxLine)) {
    number += 1;
    if (bytes === undefined) return yield problem(`is longer than ${maxLine} bytes`);
    const line = parse(bytes);
    if (number === 1 && line.type !== "header") return yield problem("is not how a recording begins");
    if (last === "end") return yield problem("comes after the end");
    last = line.type;
    yield { number, line };
  }
  if (number === 0) yield problem("nothing is in it");
  else if (last !== "end" && last !== "problem")
    yield problem("the end is missing: it is still being written, or was cut off");
}

function parse(bytes: Uint8Array): Line {
  const text = decodeUtf8(bytes);
  return text === undefined ? { type: "problem", problem: "is not UTF-8" } : readLine(text);
}

/** Without their line feeds, an unfinished last one included; undefined, and nothing more, for one that is too long. */
async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  maxLine: number,
): AsyncGenerator<Uint8Array | undefined> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end)]);
      [parts, length, start] = [[], 0, end + 1];
    }
    parts.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > maxLine) return yield undefined;
  }
  if (length > 0) yield Buffer.concat(parts);
}
