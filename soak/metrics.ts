/** The gateway's own numbers. */

export interface Metrics {
  /** Of the series of this name with all these labels, added up; 0 where there is none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

const LINE = /^fairlead_(\w+)(?:\{(.*)\})? (\S+)$/gm;

/** Reads Prometheus text. Names are given without the prefix `fairlead_`. */
export function parseMetrics(text: string): Metrics {
  const series = [...text.matchAll(LINE)].map(([, name, labels = "", value]) => ({ name, labels, value }));
  return {
    sum(name, labels = {}) {
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      return series
        .filter(
          (each) => each.name === name && wanted.every((label) => each.labels.split(",").includes(label)),
        )
        .reduce((total, { value }) => total + Number(value), 0);
    },
  };
}

export async function readMetrics(port: number): Promise<Metrics> {
  return parseMetrics(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
}
