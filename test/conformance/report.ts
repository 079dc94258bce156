/**
 * The tables of docs/conformance.md, from results: what came of each group, and each case that is not OK with its reason. They stand
 * between `<!-- conformance NAME -->` and `<!-- end -->`; what is around them is written by people.
 */
import { markdownTable } from "../../scripts/markdown-table.ts";
import { type Group, VERDICTS } from "./case.ts";
import type { Result } from "./run.ts";

export type Cells = readonly string[];

export const GROUP_HEAD: Cells = ["group", "what", "cases", ...VERDICTS];
export const CASE_HEAD: Cells = ["case", "what", "verdict", "why"];

/** One row of the first table. */
export function groupCells({ id, title, cases }: Group, results: readonly Result[]): Cells {
  const own = results.filter(({ group }) => group.id === id);
  const counts = VERDICTS.map((verdict) => own.filter((result) => result.verdict === verdict).length);
  return [id, title, ...[cases.length, ...counts].map(String)];
}

/** A row for each case that is not OK, and what their numbers of reasons mean. */
export function notOk(results: readonly Result[]): { readonly cells: Cells[]; readonly reasons: string[] } {
  const found = results.filter(({ verdict }) => verdict !== "OK");
  const reasons = [...new Set(found.map(reasonOf))];
  const cells = found.map((result) => {
    const { id, title } = result.case;
    return [id, title, result.verdict, `(${reasons.indexOf(reasonOf(result)) + 1})`];
  });
  return { cells, reasons };
}

function reasonOf({ case: { known }, verdict, seen }: Result): string {
  return known?.verdict === verdict ? known.why : `Nobody knows yet; seen: ${seen}`;
}

/** The page with its tables made anew. */
export function reported(page: string, groups: readonly Group[], results: readonly Result[]): string {
  const all = VERDICTS.map((verdict) => results.filter((result) => result.verdict === verdict).length);
  const sum = ["", "all", ...[results.length, ...all].map(String)];
  const { cells, reasons } = notOk(results);
  const tables: Readonly<Record<string, string>> = {
    groups: markdownTable(GROUP_HEAD, [...groups.map((group) => groupCells(group, results)), sum]),
    reasons: reasons.map((reason, index) => `${index + 1}. ${reason}\n`).join(""),
    cases: markdownTable(CASE_HEAD, cells),
  };
  return page.replaceAll(
    /(<!-- conformance (\w+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_, open: string, name: string, end: string) => `${open}\n${tables[name] ?? ""}\n${end}`,
  );
}
