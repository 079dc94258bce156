/** The arithmetic behind the bench's table. */
import { expect, test } from "bun:test";
import { median, percentile, short, table } from "../../bench/table.ts";

test("the median is the middle value, of an even number the mean of both", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 9, 2])).toBe(3);
  expect(median([])).toBeNaN();
});

test("a percentile is a value that was measured", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(percentile(values, 0.5)).toBe(50);
  expect(percentile(values, 0.99)).toBe(99);
  expect(percentile(values, 1)).toBe(100);
  expect(percentile([7], 0)).toBe(7);
  expect(percentile([], 0.5)).toBeNaN();
});

test("numbers are short, and what was not measured is a dash", () => {
  expect([1_234_567.8, 99.94, 1.2, 0.01234, Number.NaN].map(short)).toEqual([
    "1,234,568",
    "99.9",
    "1.20",
    "0.0123",
    "-",
  ]);
});

test("the table lines up, names left, numbers right", () => {
  expect(table(["row", "server", "n"], [["echo", "bare", "12345"]]).split("\n")).toEqual([
    "| row  | server |     n |",
    "| ---- | ------ | ----: |",
    "| echo | bare   | 12345 |",
  ]);
});
