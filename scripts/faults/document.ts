/** The table of docs/faults.md, between its two comments. */
import { BORROWED } from "../../test/faults/borrowed.ts";
import { FAULTS, type Fault } from "../../test/faults/catalogue.ts";
import { markdownTable, withTable } from "../markdown-table.ts";
import type { Verdict } from "./judge.ts";

/** `verdicts`: one for each fault, by its number. Throws where the document has no place for the table. */
export function withFaultTable(markdown: string, verdicts: ReadonlyMap<number, Verdict>): string {
  return withTable(markdown, "faults", faultTable(FAULTS, verdicts));
}

export function faultTable(faults: readonly Fault[], verdicts: ReadonlyMap<number, Verdict>): string {
  const rows = faults.map((fault) => [...describeFault(fault), resultText(verdicts.get(fault.number))]);
  return markdownTable(["#", "fault", "injected here by", "holds", "tests elsewhere", "result"], rows);
}

/** All cells of a row but the last: what does not depend on a run. */
export function describeFault({ number, fault, how, holds }: Fault): string[] {
  const files = Object.keys(BORROWED[number] ?? {}).map((file) => `\`${file}\``);
  return [`${number}`, fault, how, holds, files.join(", ")];
}

function resultText(verdict: Verdict | undefined): string {
  if (verdict === undefined) return "";
  return verdict.reason === undefined ? verdict.kind : `${verdict.kind}: ${verdict.reason}`;
}
