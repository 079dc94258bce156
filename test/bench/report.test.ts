/** Verdicts and marks of the bench. */
import { expect, test } from "bun:test";
import type { Result, RowResult } from "../../bench/measure.ts";
import { merge, ratio } from "../../bench/measure.ts";
import { aheadOfBare, cpuTable, judgeFigure, judgeRow } from "../../bench/report.ts";

const result = (server: string, ...cpu: number[]): Result => ({ server, cpu, p50: 1, p99: 2, rss: 2 ** 20 });

function row(results: Result[], bars: { bar?: number; ahead?: string[] } = {}): RowResult {
  const open = () => Promise.reject(new Error("not opened here"));
  return { kind: "echo", row: { name: "20 B", unit: "messages", ...bars, open }, results };
}

test("a ratio is the median of the rounds' ratios, so a slow moment that hit both does not count", () => {
  expect(ratio(result("fairlead", 1.1, 11, 2), result("bare", 1, 10, 1))).toBeCloseTo(1.1);
});

test("the rounds of all boots count, and one that failed fails the row", () => {
  const boots = [
    [result("bare", 1, 2), result("fairlead", 3, 4)],
    [result("bare", 5), result("fairlead", 6)],
  ];
  expect(merge(boots).map(({ server, cpu }) => [server, cpu])).toEqual([
    ["bare", [1, 2, 5]],
    ["fairlead", [3, 4, 6]],
  ]);
  expect(merge([[result("bare", 1)], [{ ...result("bare"), failed: "late" }]])[0]?.failed).toBe("late");
});

test("a bar is met up to its value", () => {
  const at = (cpu: number) => judgeRow(row([result("bare", 1), result("fairlead", cpu)], { bar: 1.2 }));
  expect(at(1.2)).toEqual([{ bar: "echo: 20 B, at most 1.20 of bare", value: "1.20", met: true }]);
  expect(at(1.21)[0]?.met).toBe(false);
});

test("a peer that is installed must be beaten, one that is not is left out", () => {
  const results = [result("bare", 1), result("fairlead", 1), result("websocat", 0.9)];
  const verdicts = judgeRow(row(results, { ahead: ["websocat", "websockify"] }));
  expect(verdicts.map(({ bar, met }) => [bar, met])).toContainEqual(["echo: 20 B, ahead of websocat", false]);
  expect(verdicts.some(({ bar }) => bar.includes("websockify"))).toBe(false);
});

test("a row that could not be measured does not meet its bar", () => {
  const failed = { ...result("fairlead"), failed: "did not finish" };
  expect(judgeRow(row([result("bare", 1), failed], { bar: 1.2 }))[0]?.met).toBe(false);
});

test("a row without a bar is only shown", () => {
  expect(judgeRow(row([result("bare", 1), result("fairlead", 9)]))).toEqual([]);
});

test("a row is marked if even the bare loop is behind somebody by more than noise", () => {
  expect(aheadOfBare(row([result("bare", 1), result("fairlead", 0.5), result("ws", 0.98)]))).toEqual([]);
  const behind = row([result("bare", 1), result("websocat", 0.9)]);
  expect(aheadOfBare(behind)).toEqual(["websocat"]);
  expect(cpuTable([behind])).toContain("* echo: 20 B: even the bare loop is behind websocat");
});

test("a figure is judged for Fairlead only", () => {
  const figure = (server: string) => ({ name: "start", server, value: 400, unit: "ms", bar: 300 });
  expect(judgeFigure(figure("ws"))).toEqual([]);
  expect(judgeFigure(figure("fairlead"))).toEqual([
    { bar: "fairlead: start, at most 300 ms", value: "400", met: false },
  ]);
});
