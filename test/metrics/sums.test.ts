import { describe, expect, test } from "bun:test";
import { renderMetrics } from "../../src/metrics/counts.ts";
import { PROCESS_METRICS, type ProcessStats } from "../../src/metrics/process.ts";
import type { Across } from "../../src/metrics/prometheus.ts";
import { ROUTE_METRICS } from "../../src/metrics/route.ts";
import { addUp, countersOf, readNumbers, writeNumbers } from "../../src/metrics/sums.ts";
import { ACROSS } from "../../src/metrics/workers.ts";
import { createRouteCounters, type RouteCounters } from "../../src/metrics.ts";
import { parseExposition } from "../exposition.ts";

const STATS: ProcessStats = {
  version: "1.2.3",
  rejected: new Map([["full", 4]]),
  denied: {},
  descriptorsUsed: 3,
  descriptorsMax: 100,
  memory: { max: 7_000, shed: 8 },
  engineUp: true,
  traffic: { holes: 2, lost: 3, lag: 4 },
  insecure: ["origins"],
  certificate: { notAfter: 50, swapped: 1, kept: 0 },
  lag: 2_500,
  nodes: 3,
  logDropped: 0,
  routes: new Map([["/r", { queued: 6 }]]),
};

const family = (name: string, type: string, lines: readonly string[]) =>
  `# HELP ${name} What it is.\n# TYPE ${name} ${type}\n${lines.map((line) => `${line}\n`).join("")}`;
const sum = (texts: readonly string[], across: ReadonlyMap<string, Across> = new Map()) =>
  writeNumbers(addUp(texts.map(readNumbers), across));

function one(more: Partial<ProcessStats>, counters: Partial<RouteCounters> = {}): string {
  return renderMetrics([{ ...createRouteCounters("/r", "room"), ...counters }], { ...STATS, ...more });
}

/** The value of one series; undefined: there is none. */
const value = (text: string, series: string) =>
  readNumbers(text)
    .get(series.split("{")[0] ?? "")
    ?.series.get(series);

describe("the numbers of several processes", () => {
  test("add up, series by series, also those that only one has", () => {
    const first = family("a_total", "counter", ['a_total{r="/x"} 1', "a_total 5"]);
    const second = family("a_total", "counter", ['a_total{r="/x"} 2', 'a_total{r="/y z"} 3']);
    expect(sum([first, second])).toBe(
      family("a_total", "counter", ['a_total{r="/x"} 3', "a_total 5", 'a_total{r="/y z"} 3']),
    );
  });

  test("are the largest or the smallest where a gauge is no sum, and counters add up whatever is said", () => {
    const of = (n: number) =>
      ["m", "l", "s"].map((name) => family(name, "gauge", [`${name} ${n}`])).join("") +
      family("c_total", "counter", [`c_total ${n}`]);
    const across = new Map<string, Across>([
      ["m", "most"],
      ["l", "least"],
      ["c_total", "most"],
    ]);
    const found = sum([of(3), of(1), of(2)], across);
    expect(["m", "l", "s", "c_total"].map((name) => value(found, name))).toEqual([3, 1, 6, 6]);
  });

  test("are of one process as they were, and of none nothing", () => {
    const text = one({}, { opened: 7 });
    expect(sum([text], ACROSS)).toBe(text);
    expect(sum([])).toBe("");
  });

  test.each(['/a"b', "/a\\b", "/a\nb", "/a # TYPE x counter", "/a 5"])("keep a route named %j", (route) => {
    const text = renderMetrics([{ ...createRouteCounters(route, "echo"), opened: 2 }], STATS);
    const families = parseExposition(sum([text, text], ACROSS));
    const opened = families.find(({ name }) => name === "fairlead_connections_opened_total");
    expect(opened?.samples).toEqual([
      { name: "fairlead_connections_opened_total", labels: { route }, value: 4 },
    ]);
  });
});

describe("of workers", () => {
  const closed = new Map([[1000, 2]]);
  const first = one({ lag: 10, engineUp: false }, { connections: 3, closed });
  const second = one({ lag: 900, certificate: { notAfter: 20, swapped: 1, kept: 0 } }, { connections: 4 });
  const all = sum([first, second], ACROSS);

  test.each([
    ['fairlead_connections{route="/r"}', 7],
    ['fairlead_connections_closed_total{route="/r",code="1000"}', 2],
    ['fairlead_messages_queued{route="/r"}', 12],
    ['fairlead_handshakes_rejected_total{reason="full"}', 8],
    ["fairlead_descriptors_max", 200],
    ["fairlead_memory_max_bytes", 14_000],
    ["fairlead_engine_up", 0],
    ['fairlead_insecure{switch="origins"}', 1],
    ["fairlead_tls_not_after_seconds", 20],
    ["fairlead_event_loop_lag_seconds", 0.9],
    [`fairlead_build_info{version="1.2.3",bun="${Bun.version}"}`, 1],
  ])("%s is what it is of the whole", (series, expected) => {
    expect(value(all, series)).toBe(expected);
  });

  test("every metric is there, and only gauges are no sums", () => {
    const names = [...ROUTE_METRICS, ...PROCESS_METRICS].map(({ name }) => name);
    expect(parseExposition(all).map(({ name }) => name)).toEqual(names);
    for (const [name] of ACROSS) expect(name).not.toEndWith("_total");
  });

  test("who has ended leaves its counters, and none of its gauges", () => {
    const left = sum([writeNumbers(countersOf(readNumbers(first))), second], ACROSS);
    expect(value(left, 'fairlead_connections{route="/r"}')).toBe(4);
    expect(value(left, 'fairlead_connections_closed_total{route="/r",code="1000"}')).toBe(2);
    expect(value(left, "fairlead_engine_up")).toBe(1);
  });
});
