import { expect, test } from "bun:test";
import fc from "fast-check";
import { joinFrame, MAX_HEADER_BYTES, splitFrame } from "../../src/wire/binary-frame.ts";

const bytes = (...values: number[]) => new Uint8Array(values);

test("writes the header's length in bytes, big endian, before header and payload", () => {
  expect(joinFrame("{}", bytes(1, 2))).toEqual(bytes(0, 2, 0x7b, 0x7d, 1, 2));
  expect(joinFrame("€", bytes())).toEqual(bytes(0, 3, 0xe2, 0x82, 0xac));
  expect(joinFrame("x".repeat(258), bytes()).subarray(0, 2)).toEqual(bytes(1, 2));
});

test("any header and payload come back as they were", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.uint8Array(), (header, payload) => {
      fc.pre(header.isWellFormed());
      expect(splitFrame(joinFrame(header, payload))).toEqual({ header, payload });
    }),
  );
});

test("reads a frame that lies inside a larger buffer, and copies its payload out of it", () => {
  const buffer = bytes(9, 9, 0, 2, 0x7b, 0x7d, 7, 9);
  const frame = splitFrame(buffer.subarray(2, 7));
  buffer.fill(0);
  expect(frame).toEqual({ header: "{}", payload: bytes(7) });
});

test.each([
  ["without a length", bytes(), "0 bytes"],
  ["with half a length", bytes(0), "1 bytes"],
  ["with less header than announced", bytes(0, 3, 0x7b, 0x7d), "announces a header of 3 bytes and has 2"],
  ["with a header that is not UTF-8", bytes(0, 2, 0xc3, 0x28), "not UTF-8"],
])("says what is wrong with a frame %s", (_, frame, reason) => {
  expect(splitFrame(frame)).toContain(reason);
});

test("any bytes are a frame, or told why not", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (frame) => {
      const split = splitFrame(frame);
      if (typeof split !== "string") expect(joinFrame(split.header, split.payload)).toEqual(frame);
    }),
  );
});

test("throws if a header is longer than a u16 can say", () => {
  expect(joinFrame("x".repeat(MAX_HEADER_BYTES), bytes()).length).toBe(2 + MAX_HEADER_BYTES);
  expect(() => joinFrame("x".repeat(MAX_HEADER_BYTES + 1), bytes())).toThrow(RangeError);
});
