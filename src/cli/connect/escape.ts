/**
 * What a stranger sent, as a terminal may show it: nothing in it moves the cursor, sets a colour, rings, answers a query or turns
 * the direction of the text. Line feeds and tabs stay, because they only lay the text out.
 */

/** C0 but LF and HT, DEL, C1, the separators some terminals break lines at, and the marks that reorder text. */
const STEERS = /(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff]/gu;
const HEX_BYTES = 32;

/** `\u001b` for an escape character. JSON, which keeps DEL, C1 and the marks, is the same JSON with it. */
export function escapeControls(text: string): string {
  return text.replace(STEERS, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** The same on one line. */
export function escapeLine(text: string): string {
  return escapeControls(text).replaceAll("\n", "\\n");
}

/** `binary 5 B: 68 65 6c 6c 6f`; of a long one its beginning. */
export function hexLine(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, HEX_BYTES))
    .toString("hex")
    .replace(/..(?=.)/g, "$& ");
  const rest = bytes.length > HEX_BYTES ? " ..." : "";
  return `binary ${bytes.length} B${shown === "" ? "" : `: ${shown}${rest}`}`;
}
