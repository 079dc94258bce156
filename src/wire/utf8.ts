/** Text and its bytes, without a runtime's own helpers. Pure. */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Whether a text is longer than so many bytes of UTF-8. A UTF-16 unit is one to three of them: most texts are judged without
 * encoding them, and a huge one is refused so.
 */
export function isLongerThan(text: string, maxBytes: number): boolean {
  if (text.length * 3 <= maxBytes) return false;
  return text.length > maxBytes || encoder.encode(text).length > maxBytes;
}

/** Undefined: the bytes are not UTF-8. A byte order mark stays in the text. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    // A fatal decoder has no other way to say "malformed".
    return undefined;
  }
}
