import { describe, expect, test } from "bun:test";
import { judgeFault } from "../../../scripts/faults/judge.ts";
import type { TestResult } from "../../../scripts/faults/run-file.ts";
import type { Fault } from "../../faults/catalogue.ts";

const fault = (number: number): Fault => ({ number, fault: "f", how: "h", holds: "E" });
/** A fault that nothing is borrowed for. */
const ALONE = 1;
const own = (name: string, outcome: TestResult["outcome"], reason?: string): TestResult => ({
  file: "test/faults/network.ts",
  name,
  outcome,
  ...(reason === undefined ? {} : { reason }),
});

describe("a fault", () => {
  test("holds if each of its tests passed", () => {
    const results = [own("1: a", "passed"), own("links 1: b", "passed"), own("11: c", "failed")];
    expect(judgeFault(fault(ALONE), results)).toEqual({ kind: "holds" });
  });

  test("is broken if one of them failed, which is named, though another was skipped", () => {
    const results = [own("1: a", "passed"), own("1: b", "failed"), own("1: c", "skipped", "no tool")];
    expect(judgeFault(fault(ALONE), results)).toEqual({ kind: "broken", reason: "1: b" });
  });

  test("is skipped if one of them was, with each reason once", () => {
    const results = [own("1: a", "passed"), own("1: b", "skipped", "no tc"), own("1: c", "skipped", "no tc")];
    expect(judgeFault(fault(ALONE), results)).toEqual({ kind: "skipped", reason: "no tc" });
  });

  test("is broken if no test was there for it, or the run of its file left nothing", () => {
    expect(judgeFault(fault(ALONE), [])).toEqual({ kind: "broken", reason: "no test injects it" });
    const lost = own("the run itself", "failed");
    expect(judgeFault(fault(ALONE), [lost])).toEqual({ kind: "broken", reason: "the run itself" });
  });

  test("is not built where the catalogue says so", () => {
    expect(judgeFault({ ...fault(25), notBuilt: "one process" }, [])).toEqual({
      kind: "not built",
      reason: "one process",
    });
  });

  test("is broken if a borrowed test is gone, although others passed", () => {
    const borrowed = { "test/a.test.ts": ["counts %s as 1006"] };
    const there = { file: "test/a.test.ts", name: "x counts it as 1006", outcome: "passed" } as const;
    expect(judgeFault(fault(7), [there], borrowed)).toEqual({ kind: "holds" });
    const other = { ...there, file: "test/faults/links.ts", name: "7: of its own" };
    expect(judgeFault(fault(7), [other], borrowed)).toEqual({
      kind: "broken",
      reason: "no test/a.test.ts: counts %s as 1006",
    });
  });
});
