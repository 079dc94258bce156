/**
 * stdin as text messages: a line is one message, its LF or CRLF is not part of it; an unfinished last line counts. Bounded: the line
 * that is being read, MAX_LINE at most. Fails with an InputError that says where: a line that is too long or not UTF-8.
 */
import { decodeUtf8 } from "../../wire/utf8.ts";

/** Bytes; more than any gateway takes by default, less than what a terminal program may keep. */
export const MAX_LINE = 16 * 1024 * 1024;
const [LF, CR] = [0x0a, 0x0d];

/** What stands in stdin cannot be sent. The message is for people. */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** The same chunks; where stdin cannot be read, like a folder, that is an InputError. */
export async function* readable<T>(chunks: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* chunks;
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    throw new InputError(`stdin cannot be read (${String(error.code)})`, { cause: error });
  }
}

export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  maxLine = MAX_LINE,
): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let length = 0;
  let number = 1;
  let offset = 0;
  const keep = (bytes: Uint8Array) => {
    parts.push(bytes);
    length += bytes.length;
    if (length <= maxLine) return;
    throw new InputError(
      `line ${number} of stdin is longer than ${maxLine} bytes; --binary sends without lines`,
    );
  };
  const take = () => {
    const line = text(Buffer.concat(parts, length), number, offset);
    offset += length + 1;
    number += 1;
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      keep(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
  }
  if (length > 0) yield take();
}

function text(line: Uint8Array, number: number, offset: number): string {
  const decoded = decodeUtf8(line.at(-1) === CR ? line.subarray(0, -1) : line);
  if (decoded !== undefined) return decoded;
  const at = firstBad(line);
  throw new InputError(
    `line ${number} of stdin is not UTF-8 from byte ${offset + at} on; --binary sends bytes as they are`,
  );
}

/** Index of the first byte that begins no character: there the text, written as bytes again, is another. */
function firstBad(line: Uint8Array): number {
  const again = Buffer.from(new TextDecoder("utf-8", { ignoreBOM: true }).decode(line));
  const at = line.findIndex((byte, index) => byte !== again[index]);
  // What stands for a bad byte is U+FFFD, EF BF BD: a bad sequence may begin like it.
  if (line[at - 1] === 0xef) return at - 1;
  return line[at - 2] === 0xef && line[at - 1] === 0xbf ? at - 2 : at;
}
