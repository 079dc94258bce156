/**
 * How deep JSON nests, read from its text. Pure.
 *
 * Checked before `JSON.parse`: 1 MiB of `[` then costs 33 steps instead of 40 ms and 30 MB of nested arrays.
 * Exact for valid JSON; for other text it may say anything about what stands after the first error, where the parser stops.
 */

/** Levels of arrays and objects that a message may nest. No message of ours needs more than three. */
export const MAX_JSON_DEPTH = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether the text nests arrays and objects deeper than `limit` levels. Linear in the length of the text. */
export function nestsDeeper(text: string, limit = MAX_JSON_DEPTH): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        if (depth > limit) return true;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
    }
  }
  return false;
}

/** Where the string that opens at `start` closes; the end of the text if it does not. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

/** RFC 8259 section 7: a quote is escaped by an odd number of backslashes. Runs are disjoint, so the whole scan stays linear. */
function isEscaped(text: string, quote: number): boolean {
  let first = quote;
  while (text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
  return (quote - first) % 2 === 1;
}
