/**
 * A value that a stranger sent, as an error text may repeat it: shortened, quoted, with nothing that steers a terminal or breaks a
 * log line. Pure, never throws, costs no more for a large value than for a small one, beyond writing it as JSON.
 */

/** Characters of a value that are shown. */
const SHOWN = 64;
/** C0, DEL, C1, white space beyond the plain blank, and the marks that turn the direction of text. */
const STEERS = /(?! )[\p{Cc}\s\p{Bidi_Control}]/gu;

/** Undefined is `nothing`; objects and arrays are named, not written: what matters is that one stands there. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "string" ? quoted(value) : String(value);
}

/** `U+000A` for a line feed. */
export function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

function quoted(text: string): string {
  const short = text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
  return JSON.stringify(short.replace(STEERS, (character) => `<${codePoint(character)}>`));
}
