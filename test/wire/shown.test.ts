import { expect, test } from "bun:test";
import fc from "fast-check";
import { shown } from "../../src/wire/shown.ts";

test.each([
  ["nothing for what is absent", undefined, "nothing"],
  ["null by its name", null, "null"],
  ["numbers and booleans as they are", -1.5, "-1.5"],
  ["text in quotes", 'say "hi"', '"say \\"hi\\""'],
  ["blanks as they are", "two words", '"two words"'],
  ["no line feed", "a\nb", '"a<U+000A>b"'],
  ["no escape sequence", "\x1b[31mred", '"<U+001B>[31mred"'],
  ["no turn of direction", "a\u202eb", '"a<U+202E>b"'],
  ["no line separator", "a\u2028b", '"a<U+2028>b"'],
  ["that an object stands there, whatever is in it", { secret: 1 }, "an object"],
  ["that an array stands there", [1, 2], "an array"],
])("shows %s", (_, value, text) => {
  expect(shown(value)).toBe(text);
});

test("any value is one short printable line", () => {
  const value = fc.oneof(fc.string({ unit: "binary", maxLength: 500 }), fc.jsonValue(), fc.double());
  fc.assert(
    fc.property(value, (any) => {
      const text = shown(any);
      expect(text).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
      expect(text.length).toBeLessThan(700);
    }),
  );
});
