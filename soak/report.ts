/** What a soak showed, as rows of a table, and whether that is good. */
import { markdownTable } from "../scripts/markdown-table.ts";
import { accountText, broken } from "./ledger.ts";
import type { SoakResult } from "./run.ts";

const MIB = 1024 * 1024;
/** Bytes a second that memory may surely grow by: 1 MiB an hour. */
const GROWTH = MIB / 3_600;
const MAX_TOLD = 10;

interface Finding {
  readonly what: string;
  readonly shown: string;
  readonly isGood: boolean;
}

/** Growth counts as a leak only when chance does not explain it: the least slope that the samples allow is above GROWTH. */
export function findings(result: SoakResult): Finding[] {
  const accounts = result.checkpoints.flatMap((each) => each.accounts);
  const wrong = [...broken(accounts), ...broken(result.left)].map(accountText);
  const { before, after } = result.descriptors;
  return [
    finding("books that agree", `${accounts.length - broken(accounts).length} of ${accounts.length}`, wrong),
    finding("what nobody should see", `${result.faults.length}`, result.faults),
    finding("warnings and errors in the log", `${result.said.length}`, result.said),
    { what: "descriptors before and after", shown: `${before}, ${after}`, isGood: after <= before },
    memory(result),
    { what: "exit code after SIGTERM", shown: `${result.exitCode}`, isGood: result.exitCode === 0 },
  ];
}

function finding(what: string, count: string, wrong: readonly string[]): Finding {
  const told = wrong.slice(0, MAX_TOLD).join("; ");
  return { what, shown: told === "" ? count : `${count}: ${told}`, isGood: wrong.length === 0 };
}

function memory({ memory: { samples, slope } }: SoakResult): Finding {
  const { perSecond, margin } = slope;
  const anHour = (perSecond: number) => ((perSecond * 3_600) / MIB).toFixed(1);
  const most = Math.max(...samples.map(({ bytes }) => bytes)) / MIB;
  const least = Math.min(...samples.map(({ bytes }) => bytes)) / MIB;
  return {
    what: "growth of memory after the warm-up",
    shown: Number.isFinite(margin)
      ? `${anHour(perSecond)} ± ${anHour(margin)} MiB an hour (95 %, ${samples.length} samples between ${least.toFixed(1)} and ${most.toFixed(1)} MiB)`
      : "too few samples to say",
    isGood: !(perSecond - margin > GROWTH),
  };
}

export function reportTable(result: SoakResult): string {
  const { clients, seconds, churned, messages, dropped, checkpoints } = result;
  const head = [
    ["clients, all five kinds", `${clients}`],
    ["minutes", (seconds / 60).toFixed(1)],
    ["joins and leaves", `${churned}`],
    ["messages, in and out", `${messages}, and ${dropped} dropped with a reason`],
    ["looks at the books", `${checkpoints.length}`],
  ];
  const rows = findings(result).map(({ what, shown, isGood }) => [what, isGood ? shown : `BROKEN: ${shown}`]);
  return markdownTable(["what", "result"], [...head, ...rows]);
}
