/**
 * Numbers as Prometheus text (exposition format 0.0.4). What each is stands in `route.ts` and `process.ts`.
 * No library: ours would have to copy every plain number into its objects first, and the format is ten lines.
 */
export type Sample = readonly [labels: Readonly<Record<string, string | number>>, value: number];

/** How the numbers of several processes become one: the largest, or the smallest. */
export type Across = "most" | "least";

export interface Metric<Source> {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  /** Of a gauge that does not add up over the workers of a node. */
  readonly across?: Across;
  read(source: Source): Iterable<Sample>;
}

/** With its help and type, also where it has no series. Labels may hold anything. */
export function renderMetric<Source>({ name, type, help, read }: Metric<Source>, source: Source): string {
  const samples = [...read(source)].map(([labels, value]) => `${name}${renderLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.join("")}`;
}

function renderLabels(labels: Sample[0]): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(String(value))}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
