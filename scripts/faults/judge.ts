/** What became of a fault, from what became of the tests that inject it. */
import { BORROWED } from "../../test/faults/borrowed.ts";
import type { Fault } from "../../test/faults/catalogue.ts";
import { namePattern, ownPattern } from "./plan.ts";
import type { TestResult } from "./run-file.ts";

export interface Verdict {
  readonly kind: "holds" | "broken" | "skipped" | "not built";
  /** Tests that failed, why some were skipped, or why there are none. */
  readonly reason?: string;
}

/** Holds if each of its tests passed; a fault without a test, or a name that no test has, is broken. `borrowed`: file to names. */
export function judgeFault(
  fault: Fault,
  results: readonly TestResult[],
  borrowed: Readonly<Record<string, readonly string[]>> = BORROWED[fault.number] ?? {},
): Verdict {
  if (fault.notBuilt !== undefined) return { kind: "not built", reason: fault.notBuilt };
  const groups = [
    { what: `test ${fault.number}:`, found: ownResults(fault.number, results), needed: false },
    ...borrowedResults(borrowed, results),
  ];
  const missing = groups.filter(({ found, needed }) => needed && found.length === 0);
  const all = groups.flatMap(({ found }) => found);
  const failed = all.filter(({ outcome }) => outcome === "failed").map(({ name }) => name);
  if (all.length === 0) return { kind: "broken", reason: "no test injects it" };
  if (missing.length > 0 || failed.length > 0)
    return { kind: "broken", reason: [...missing.map(({ what }) => `no ${what}`), ...failed].join("; ") };
  const reasons = new Set(all.flatMap(({ reason }) => reason ?? []));
  return reasons.size === 0 ? { kind: "holds" } : { kind: "skipped", reason: [...reasons].join("; ") };
}

function ownResults(number: number, results: readonly TestResult[]) {
  const pattern = new RegExp(ownPattern(number));
  const isOwn = ({ file, name }: TestResult) => file.startsWith("test/faults/") && pattern.test(name);
  // A file that left no result could have had any test.
  const isLost = ({ file, name }: TestResult) => file.startsWith("test/faults/") && name === "the run itself";
  const own = results.filter(isOwn);
  return own.length > 0 ? own : results.filter(isLost);
}

function borrowedResults(
  borrowed: Readonly<Record<string, readonly string[]>>,
  results: readonly TestResult[],
) {
  return Object.entries(borrowed).flatMap(([file, names]) =>
    names.map((name) => {
      const pattern = new RegExp(namePattern(name));
      const found = results.filter((each) => each.file === file && pattern.test(each.name));
      return { what: `${file}: ${name}`, found, needed: true };
    }),
  );
}
