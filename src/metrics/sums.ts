/**
 * Metrics of several processes as if they were of one. Counters add up, and so do gauges, but for those of which `most` or `least` says more
 * than a sum. Reads the text that `prometheus.ts` writes, of the same version: a series is the same where its line begins the same.
 * Cost: a look at each line; nothing is kept here.
 */
import type { Across } from "./prometheus.ts";

interface Family {
  /** The lines of its help and type. */
  readonly head: string;
  readonly isCounter: boolean;
  readonly series: ReadonlyMap<string, number>;
}

/** Families by their names, in the order in which they were written. */
export type Numbers = ReadonlyMap<string, Family>;

const HEAD = /^# HELP (\S+) .*\n# TYPE \S+ (\S+)\n/gm;

export function readNumbers(text: string): Numbers {
  const heads = [...text.matchAll(HEAD)];
  return new Map(
    heads.map((found, at) => {
      const [head, name = "", type] = found;
      const lines = text.slice(found.index + head.length, heads[at + 1]?.index).split("\n");
      return [name, { head, isCounter: type === "counter", series: readSeries(lines) }];
    }),
  );
}

function readSeries(lines: readonly string[]): Map<string, number> {
  const filled = lines.filter((line) => line !== "");
  return new Map(
    filled.map((line) => {
      // A label may hold a space, a value never does.
      const end = line.lastIndexOf(" ");
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

/** `across`: what becomes of the gauges of a name that do not add up. */
export function addUp(all: readonly Numbers[], across: ReadonlyMap<string, Across>): Numbers {
  const families = Map.groupBy(
    all.flatMap((each) => [...each]),
    ([name]) => name,
  );
  return new Map(
    [...families].flatMap(([name, same]) => {
      const [first] = same.map(([, family]) => family);
      if (first === undefined) return [];
      const join = JOINS[first.isCounter ? "sum" : (across.get(name) ?? "sum")];
      return [[name, { ...first, series: joined(same, join) }]];
    }),
  );
}

const JOINS: Readonly<Record<Across | "sum", (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  most: Math.max,
  least: Math.min,
};

function joined(
  same: readonly (readonly [string, Family])[],
  join: (a: number, b: number) => number,
): Map<string, number> {
  const series = new Map<string, number>();
  for (const [, family] of same) {
    for (const [key, value] of family.series) {
      const before = series.get(key);
      series.set(key, before === undefined ? value : join(before, value));
    }
  }
  return series;
}

/** What stays of a process that has ended: a counter never goes back, or whoever reads it takes all that is left for new. */
export function countersOf(numbers: Numbers): Numbers {
  return new Map([...numbers].filter(([, { isCounter }]) => isCounter));
}

export function writeNumbers(numbers: Numbers): string {
  return [...numbers.values()]
    .map(({ head, series }) => head + [...series].map(([key, value]) => `${key} ${value}\n`).join(""))
    .join("");
}
