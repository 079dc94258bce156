import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeUtf8, isLongerThan } from "../../src/wire/utf8.ts";

const encoder = new TextEncoder();

test("any text is longer than all sizes below its bytes, and than no other", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), fc.nat(130), (text, max) => {
      expect(isLongerThan(text, max)).toBe(encoder.encode(text).length > max);
    }),
    { numRuns: 500 },
  );
});

test("any text comes back from its bytes, a byte order mark too", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(decodeUtf8(encoder.encode(text))).toBe(text.toWellFormed());
    }),
  );
  expect(decodeUtf8(encoder.encode("\ufeffa"))).toBe("\ufeffa");
});

test.each([
  ["a byte that begins nothing", [0xff]],
  ["half a character", [0xe2, 0x82]],
  ["an overlong form", [0xc0, 0xaf]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
  ["what lies beyond the last character", [0xf4, 0x90, 0x80, 0x80]],
])("reads no text from %s, and reads on afterwards", (_, bytes) => {
  expect(decodeUtf8(new Uint8Array(bytes))).toBeUndefined();
  expect(decodeUtf8(encoder.encode("a"))).toBe("a");
});
