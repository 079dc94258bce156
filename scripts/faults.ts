/**
 * `npm run faults [-- NUMBER ...] [--record]`: injects each fault of test/faults/catalogue.ts and says what held. With `--record` the
 * table of docs/faults.md is written. Exit 1 if a fault broke something; one that this machine cannot inject is skipped, with the reason.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FAULTS } from "../test/faults/catalogue.ts";
import { faultTable, withFaultTable } from "./faults/document.ts";
import { judgeFault, type Verdict } from "./faults/judge.ts";
import { plan } from "./faults/plan.ts";
import { runFile, type TestResult } from "./faults/run-file.ts";
import { readFlags } from "./flags.ts";

const root = join(import.meta.dir, "..");
const DOCUMENT = join(root, "docs/faults.md");

const USE = "[-- NUMBER ... | --record]";
const { values, positionals } = readFlags("faults", USE, {
  allowPositionals: true,
  options: { record: { type: "boolean", default: false } },
});
const numbers = positionals.map(Number);
const unknown = positionals.filter((text) => !FAULTS.some(({ number }) => number === Number(text)));
if (unknown.length > 0 || (values.record && numbers.length > 0)) {
  const reason = unknown.length > 0 ? `there is no fault ${unknown.join(", ")}` : "--record wants all faults";
  console.error(`faults: ${reason}; use: npm run faults ${USE}`);
  process.exit(2);
}

const wanted = FAULTS.filter(({ number }) => numbers.length === 0 || numbers.includes(number));
const results: TestResult[] = [];
for (const job of plan(root, wanted)) {
  console.error(`faults: ${job.file}`);
  results.push(...(await runFile(root, job)));
}
const verdicts = new Map<number, Verdict>(wanted.map((fault) => [fault.number, judgeFault(fault, results)]));

console.log(faultTable(wanted, verdicts));
if (values.record) writeFileSync(DOCUMENT, withFaultTable(readFileSync(DOCUMENT, "utf8"), verdicts));
const broken = [...verdicts.values()].filter(({ kind }) => kind === "broken").length;
const count = (kind: Verdict["kind"]) => [...verdicts.values()].filter((each) => each.kind === kind).length;
console.log(
  `${count("holds")} hold, ${broken} broken, ${count("skipped")} skipped, ${count("not built")} not built`,
);
process.exit(broken === 0 ? 0 : 1);
