import { expect, test } from "bun:test";
import fc from "fast-check";
import { isEpoch, isOffset, parsePosition, positionText } from "../../src/wire/position.ts";

test.each([
  ["of an empty topic", "e:0", { epoch: "e", offset: 0 }],
  ["of a message", "Ab-_9:17", { epoch: "Ab-_9", offset: 17 }],
  ["with an epoch of 32", `${"e".repeat(32)}:1`, { epoch: "e".repeat(32), offset: 1 }],
  ["with the largest offset", "e:9007199254740991", { epoch: "e", offset: 2 ** 53 - 1 }],
])("reads a position %s", (_, text, position) => {
  expect(parsePosition(text)).toEqual(position);
  expect(positionText(position)).toBe(text);
});

test.each([
  ["that is empty", ""],
  ["without an offset", "e"],
  ["with an empty offset", "e:"],
  ["with an empty epoch", ":1"],
  ["with an epoch of 33", `${"e".repeat(33)}:1`],
  ["with another character in the epoch", "a.b:1"],
  ["with a sign", "e:-1"],
  ["with a fraction", "e:1.5"],
  ["with an exponent", "e:1e3"],
  ["with a blank", "e: 1"],
  ["with a line feed", "e:1\n"],
  ["with an offset that a number cannot hold", "e:9007199254740992"],
  ["with a very long offset", `e:${"9".repeat(500)}`],
  ["with a third part", "e:1:"],
  ["with another third part", "e:1:2"],
])("reads no position from a text %s", (_, text) => {
  expect(parsePosition(text)).toBeUndefined();
});

test("any text is the text of its position, but for zeros in front, or no position", () => {
  const text = fc.stringMatching(/^[\w:.-]{0,3}:?[\d.]{0,17}$/);
  fc.assert(
    fc.property(text, (any) => {
      const position = parsePosition(any);
      if (position === undefined) return;
      expect([isEpoch(position.epoch), isOffset(position.offset)]).toEqual([true, true]);
      expect(positionText(position)).toBe(any.replace(/:0+(?=\d)/, ":"));
    }),
  );
});
