import { describe, expect, test } from "bun:test";
import { escapeControls, escapeLine, hexLine } from "../../../src/cli/connect/escape.ts";

describe("on a terminal", () => {
  test.each([
    ["an escape sequence", "\u001b[2J", "\\u001b[2J"],
    ["C1's one-byte escape", "\u009b31m", "\\u009b31m"],
    ["a bell, a backspace, a return and DEL", "\u0007\b\r\u007f", "\\u0007\\u0008\\u000d\\u007f"],
    ["marks that reorder text", "a\u202eb\u2066c\u200ed\u061c", "a\\u202eb\\u2066c\\u200ed\\u061c"],
    ["separators", "a\u2028b\u2029c\ufeff", "a\\u2028b\\u2029c\\ufeff"],
    ["a zero byte", "\0", "\\u0000"],
  ])("%s is written out", (_, text, shown) => {
    expect(escapeControls(text)).toBe(shown);
  });

  test.each(["plain", "line\nand\ttab", "\u00e9\u20ac\u4e2d", "\u{1f468}\u200d\u{1f469}", ""])(
    "%j stays as it is",
    (text) => {
      expect(escapeControls(text)).toBe(text);
    },
  );

  test("no character that steers gets through", () => {
    const all = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code)).join("");
    expect(escapeControls(all)).not.toMatch(/(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
    expect(escapeLine(all)).not.toContain("\n");
  });

  test("JSON with escapes means the same", () => {
    const value = { data: "\u001b\u009b\u202e\n" };
    const json = escapeControls(JSON.stringify(value));
    expect(json).toBe('{"data":"\\u001b\\u009b\\u202e\\n"}');
    expect(JSON.parse(json)).toEqual(value);
  });
});

describe("a binary message in one line", () => {
  test.each<[Uint8Array, string]>([
    [Buffer.from("hello"), "binary 5 B: 68 65 6c 6c 6f"],
    [new Uint8Array(0), "binary 0 B"],
    [new Uint8Array(32), `binary 32 B:${" 00".repeat(32)}`],
    [new Uint8Array(1000), `binary 1000 B:${" 00".repeat(32)} ...`],
  ])("%#", (bytes, line) => {
    expect(hexLine(bytes)).toBe(line);
  });
});
