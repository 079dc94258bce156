/** What was measured, as a table and as verdicts on the bars. */
import { type Result, type RowResult, ratio } from "./measure.ts";
import { median, short, table } from "./table.ts";

/** A bar and whether it was met. */
export interface Verdict {
  readonly bar: string;
  readonly value: string;
  readonly met: boolean;
}

/** A number that is not CPU per message. `bar`: most that Fairlead may have. */
export interface Figure {
  readonly name: string;
  readonly server: string;
  readonly value: number;
  readonly unit: string;
  readonly bar?: number;
}

/** Less than this is what two runs of the same loop differ by. */
const NOISE = 0.03;

const HEAD = [
  "row",
  "server",
  "per CPU-s",
  "CPU µs",
  "µs/publish",
  "vs first",
  "p50 ms",
  "p99 ms",
  "RSS MiB",
];

const find = (row: RowResult, server: string) =>
  row.results.find((result) => result.server === server && result.failed === undefined);

/** What the others of a row are compared with: the first. */
function baseOf({ results: [first] }: RowResult): Result | undefined {
  return first?.failed === undefined ? first : undefined;
}

/** Names of those that even the bare loop is behind. */
export function aheadOfBare(row: RowResult): string[] {
  const base = find(row, "bare");
  if (base === undefined) return [];
  const others = row.results.filter(({ server, failed }) => server !== "fairlead" && failed === undefined);
  return others.filter((other) => ratio(other, base) < 1 - NOISE).map(({ server }) => server);
}

function line(row: RowResult, result: Result, isFirst: boolean): string[] {
  const mark = aheadOfBare(row).length > 0 ? " *" : "";
  const name = isFirst ? `${row.kind}: ${row.row.name}${mark}` : "";
  if (result.failed !== undefined) return [name, `${result.server}: ${result.failed}`];
  const cpu = median(result.cpu);
  const base = baseOf(row);
  return [
    name,
    result.server,
    `${short(1 / cpu)} ${row.row.unit}`,
    short(cpu * 1e6),
    row.row.perPublish === undefined ? "" : short(cpu * 1e6 * row.row.perPublish),
    base === undefined ? "-" : ratio(result, base).toFixed(2),
    short(result.p50),
    short(result.p99),
    short(result.rss / 2 ** 20),
  ];
}

export function cpuTable(rows: readonly RowResult[]): string {
  const lines = rows.flatMap((row) => row.results.map((result, i) => line(row, result, i === 0)));
  const notes = rows.flatMap((row) => {
    const names = aheadOfBare(row).join(", ");
    return names === "" ? [] : [`* ${row.kind}: ${row.row.name}: even the bare loop is behind ${names}`];
  });
  return [table(HEAD, lines), ...notes].join("\n");
}

export function figureTable(figures: readonly Figure[]): string {
  const head = ["figure", "server", "value"];
  return table(
    head,
    figures.map((f) => [f.name, f.server, `${short(f.value)} ${f.unit}`]),
  );
}

/** The bars of one row: against the bare loop, and ahead of the peers that are installed. */
export function judgeRow(row: RowResult): Verdict[] {
  const ours = find(row, "fairlead");
  const base = baseOf(row);
  const name = `${row.kind}: ${row.row.name}`;
  if (row.row.bar === undefined && row.row.ahead === undefined) return [];
  if (ours === undefined || base === undefined) return [{ bar: name, value: "not measured", met: false }];
  const cost = ratio(ours, base);
  const { bar = Number.POSITIVE_INFINITY, ahead = [] } = row.row;
  const most = `${name}, at most ${short(bar)} of ${base.server}`;
  const verdicts = [{ bar: most, value: cost.toFixed(2), met: cost <= bar }];
  for (const peer of ahead.map((server) => find(row, server))) {
    if (peer === undefined) continue;
    const against = ratio(ours, peer);
    verdicts.push({ bar: `${name}, ahead of ${peer.server}`, value: against.toFixed(2), met: against < 1 });
  }
  return verdicts;
}

export function judgeFigure(figure: Figure): Verdict[] {
  if (figure.bar === undefined || !figure.server.startsWith("fairlead")) return [];
  const bar = `${figure.server}: ${figure.name}, at most ${short(figure.bar)} ${figure.unit}`;
  return [{ bar, value: short(figure.value), met: figure.value <= figure.bar }];
}

export function verdictList(verdicts: readonly Verdict[]): string {
  return verdicts.map(({ bar, value, met }) => `${met ? "met    " : "NOT MET"} ${bar}: ${value}`).join("\n");
}
