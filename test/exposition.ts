/** A strict reader of Prometheus' text format 0.0.4, so that tests do not trust the writer. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly Sample[];
}

const HELP = /^# HELP ([a-zA-Z_:][\w:]*) (.+)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge)$/;
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y;

/** Throws at the first line that breaks the format, a family without HELP and TYPE, or a series that comes twice. */
export function parseExposition(text: string): Family[] {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families: (Family & { samples: Sample[] })[] = [];
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split("\n")) {
    const help = HELP.exec(line);
    if (help !== null) {
      families.push({ name: help[1] ?? "", help: help[2] ?? "", type: "", samples: [] });
      continue;
    }
    const family = families.at(-1);
    const type = TYPE.exec(line);
    if (family === undefined) throw new Error(`before any HELP: ${line}`);
    if (type !== null) {
      if (type[1] !== family.name || family.type !== "")
        throw new Error(`TYPE does not follow its HELP: ${line}`);
      families[families.length - 1] = { ...family, type: type[2] ?? "" };
      continue;
    }
    const sample = parseSample(line);
    const key = JSON.stringify([sample.name, sample.labels]);
    if (sample.name !== family.name || family.type === "") throw new Error(`outside its family: ${line}`);
    if (seen.has(key)) throw new Error(`comes twice: ${line}`);
    seen.add(key);
    family.samples.push(sample);
  }
  return families;
}

function parseSample(line: string): Sample {
  const match = SAMPLE.exec(line);
  if (match === null) throw new Error(`not a sample: ${line}`);
  const value = Number(match[3]);
  if (Number.isNaN(value)) throw new Error(`not a number: ${line}`);
  return { name: match[1] ?? "", labels: parseLabels(match[2] ?? ""), value };
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const at = LABEL.lastIndex;
    const match = LABEL.exec(text);
    if (match === null) throw new Error(`not a label: ${text.slice(at)}`);
    labels[match[1] ?? ""] = (match[2] ?? "").replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c));
  }
  return labels;
}
