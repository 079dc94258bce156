import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatDuration, formatSize, parseDuration, parseSize } from "../../src/config/units.ts";

describe("durations", () => {
  test.each([
    [1500, 1500],
    ["1500", 1500],
    ["250ms", 250],
    ["25s", 25_000],
    ["1.5s", 1500],
    ["2m", 120_000],
    ["1 h", 3_600_000],
    ["1d", 86_400_000],
    ["0s", 0],
    [0, 0],
  ])("read %p as %p milliseconds", (written, ms) => {
    expect(parseDuration(written)).toBe(ms);
  });

  test.each([
    "",
    "s",
    "25 bananas",
    "-1s",
    "1e3",
    "25S",
    "1.5.5s",
    " 5s",
    "5s ",
    "1m30s",
    "٣s",
    "NaN",
    -1,
    1.5,
    Number.NaN,
  ])("do not read %p", (written) => {
    expect(parseDuration(written)).toBeUndefined();
  });

  test("are refused when a timer could not wait so long and would fire at once", () => {
    expect(parseDuration(2 ** 31 - 1)).toBe(2 ** 31 - 1);
    expect(parseDuration(2 ** 31)).toBeUndefined();
    expect(parseDuration("24d")).toBe(2_073_600_000);
    expect(parseDuration("25d")).toBeUndefined();
  });

  test("keep their value when they are written and read again", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 1), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  test("are written in the largest unit that is exact", () => {
    expect([90_000, 120_000, 7_200_000, 1_001, 0].map(formatDuration)).toEqual([
      "90s",
      "2m",
      "2h",
      "1001ms",
      "0ms",
    ]);
  });
});

describe("sizes", () => {
  test.each([
    ["64KiB", 65_536],
    ["64 KiB", 65_536],
    ["1MB", 1_000_000],
    ["1.5MiB", 1_572_864],
    ["2GiB", 2_147_483_648],
    ["512B", 512],
    ["512", 512],
    [512, 512],
  ])("read %p as %p bytes", (written, bytes) => {
    expect(parseSize(written)).toBe(bytes);
  });

  test.each([
    "64kib",
    "64K",
    "1TB",
    "-1",
    "constructor",
    "1constructor",
    "1__proto__",
    "99999999GiB",
    -1,
    0.5,
  ])("do not read %p", (written) => {
    expect(parseSize(written)).toBeUndefined();
  });

  test("keep their value when they are written and read again", () => {
    fc.assert(
      fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (bytes) => {
        expect(parseSize(formatSize(bytes))).toBe(bytes);
      }),
    );
  });
});

test("any text is a number of units or nothing, never an exception or a fraction", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."0123456789.smhdKiBM ") })),
      (text) => {
        for (const parsed of [parseDuration(text), parseSize(text)]) {
          expect(parsed === undefined || (Number.isSafeInteger(parsed) && parsed >= 0)).toBe(true);
        }
      },
    ),
  );
});
