import { describe, expect, test } from "bun:test";
import { findings, reportTable } from "../../soak/report.ts";
import type { SoakResult } from "../../soak/run.ts";

const MIB = 1024 * 1024;
const GOOD: SoakResult = {
  seconds: 600,
  clients: 2_000,
  churned: 12_000,
  messages: 1_000_000,
  dropped: 7,
  checkpoints: [{ at: 60, accounts: [{ what: "echo", clients: 1, gateway: 1, rule: "equal" }] }],
  left: [],
  memory: { samples: [{ at: 5, bytes: 100 * MIB }], slope: { perSecond: 0, margin: 10 } },
  descriptors: { before: 20, after: 20 },
  faults: [],
  said: [],
  exitCode: 0,
};

const bad = (change: Partial<SoakResult>) =>
  findings({ ...GOOD, ...change })
    .filter(({ isGood }) => !isGood)
    .map(({ what }) => what);

describe("the report of a soak", () => {
  test("finds nothing in a good one", () => {
    expect(bad({})).toEqual([]);
    expect(reportTable(GOOD)).not.toContain("BROKEN");
  });

  test("finds books that do not agree, in the middle or at the end, and names them", () => {
    const account = { what: "room", clients: 1, gateway: 2, rule: "equal" } as const;
    const result = { ...GOOD, checkpoints: [{ at: 1, accounts: [account] }] };
    expect(bad(result)).toEqual(["books that agree"]);
    expect(bad({ left: [account] })).toEqual(["books that agree"]);
    expect(reportTable(result)).toMatch(/books that agree +\| BROKEN: 0 of 1: room: 1 = 2/);
  });

  test("finds faults, lines of the log, descriptors that are not back, and another exit code than 0", () => {
    expect(bad({ faults: ["a"] })).toEqual(["what nobody should see"]);
    expect(bad({ said: ["warn"] })).toEqual(["warnings and errors in the log"]);
    expect(bad({ descriptors: { before: 20, after: 21 } })).toEqual(["descriptors before and after"]);
    expect(bad({ descriptors: { before: 20, after: 19 } })).toEqual([]);
    expect(bad({ exitCode: 1 })).toEqual(["exit code after SIGTERM"]);
  });

  test("finds growth that chance does not explain, and tells what it could not see", () => {
    const memory = (anHour: number, margin: number) => ({
      memory: {
        ...GOOD.memory,
        slope: { perSecond: (anHour * MIB) / 3_600, margin: (margin * MIB) / 3_600 },
      },
    });
    expect(bad(memory(30, 20))).toEqual(["growth of memory after the warm-up"]);
    expect(bad(memory(30, 40))).toEqual([]);
    expect(reportTable({ ...GOOD, ...memory(3, 4) })).toContain("3.0 ± 4.0 MiB an hour");
    expect(reportTable({ ...GOOD, ...memory(3, Number.POSITIVE_INFINITY) })).toContain("too few samples");
  });

  test("tells no more than ten of many", () => {
    const faults = Array.from({ length: 100 }, (_, n) => `fault-${n};`);
    const text = reportTable({ ...GOOD, faults });
    expect(text).toContain("BROKEN: 100: fault-0;");
    expect(text).not.toContain("fault-10;");
  });
});
