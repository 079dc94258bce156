/**
 * `npm run soak [-- --minutes N | --seconds N] [--scale X] [--record]`: 2,000 clients of all five kinds that come and go, some of them slow or
 * rude, against a gateway in a process of its own. Linux only: descriptors and memory come from /proc. Exit 1 if books, memory, descriptors or
 * the log show a fault. `--record` writes the table of docs/faults.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readFlags } from "../scripts/flags.ts";
import { withTable } from "../scripts/markdown-table.ts";
import { findings, reportTable } from "./report.ts";
import { runSoak } from "./run.ts";

const DOCUMENT = join(import.meta.dir, "../docs/faults.md");
const CHURN = 20;

const USE = "[-- --minutes N | --seconds N] [--scale X] [--record]";
const { values } = readFlags("soak", USE, {
  options: {
    minutes: { type: "string", default: "10" },
    seconds: { type: "string" },
    scale: { type: "string", default: "1" },
    record: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds ?? Number(values.minutes) * 60);
const scale = Number(values.scale);
if (!(seconds > 0 && scale > 0)) {
  console.error("soak: --minutes, --seconds and --scale are numbers above 0");
  process.exit(2);
}
if (process.platform !== "linux") {
  console.error("soak: descriptors and memory are read from /proc, so this needs Linux");
  process.exit(2);
}

const result = await runSoak({
  seconds,
  scale,
  churn: CHURN * scale,
  checkEvery: Math.min(60, seconds / 2),
  tell: (text) => console.error(`soak: ${text}`),
});
console.log(reportTable(result));
if (values.record)
  writeFileSync(DOCUMENT, withTable(readFileSync(DOCUMENT, "utf8"), "soak", reportTable(result)));
process.exit(findings(result).every(({ isGood }) => isGood) ? 0 : 1);
