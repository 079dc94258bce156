import { describe, expect, test } from "bun:test";
import { clipReason } from "../src/close-reason.ts";

describe("clipReason", () => {
  test("leaves a reason of 123 bytes as it is", () => {
    expect(clipReason("x".repeat(123))).toBe("x".repeat(123));
    expect(clipReason("")).toBe("");
  });

  test.each([
    ["one byte", "x".repeat(200), 123],
    ["two bytes", "\u00e9".repeat(100), 122],
    ["three bytes", "\u2603".repeat(100), 123],
    ["four bytes", "\u{1f600}".repeat(100), 120],
  ])("cuts between characters of %s", (_, reason, bytes) => {
    const clipped = clipReason(reason);
    expect(Buffer.byteLength(clipped)).toBe(bytes);
    expect(reason.startsWith(clipped)).toBe(true);
  });
});
