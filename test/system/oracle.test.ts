/**
 * The oracle: readers of fairlead.v1 and plain ones connect, subscribe, stall, are cut off and come back, and the server restarts, while
 * others publish. Each reader's stream is a run of the topic's log without a hole, or with one that it was told of; nothing twice, one order.
 * `npm run fuzz -- --oracles` plays ten times as many sequences. FAIRLEAD_SEED plays those of another run again; what fails is shrunk.
 */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { createMemoryEngine } from "../../src/engines/memory.ts";
import { createSqliteEngine } from "../../src/engines/sqlite.ts";
import { folder } from "../folder.ts";
import type { StartEngine } from "../oracle/house.ts";
import { play, steps } from "../oracle/play.ts";
import { KINDS, RUNS, SEED } from "../oracle/runs.ts";

function onError({ error }: { readonly error: unknown }): void {
  throw error;
}

const memory = (): StartEngine => (clock) => createMemoryEngine({ clock, onError });

/** Its topics survive a restart, within one sequence. */
function sqlite(): StartEngine {
  const file = join(folder(), "oracle.db");
  const log = { info() {}, warn() {}, error() {} };
  return async (clock) => {
    const engine = createSqliteEngine({ file, sync: "batch", clock, log, onError });
    await engine.start();
    return engine;
  };
}

describe.each([
  ["memory", memory],
  ["sqlite", sqlite],
] as const)("on %s", (engine, startOf) => {
  test.each(KINDS.map((kind) => [kind.kind, kind.policy, kind] as const))(
    "every reader of a %s under %s has the log, or was told what it lacks",
    async (name, policy, kind) => {
      console.log(`oracle: ${name} ${policy} on ${engine}, FAIRLEAD_RUNS=${RUNS} FAIRLEAD_SEED=${SEED}`);
      let [got, gaps] = [0, 0];
      await fc.assert(
        fc.asyncProperty(steps, async (all) => {
          const played = await play(kind, startOf(), all);
          got += played.got;
          gaps += played.gaps;
        }),
        { numRuns: Math.ceil(RUNS / KINDS.length), seed: SEED },
      );
      // Sequences in which nothing happens would prove nothing.
      expect(got).toBeGreaterThan(RUNS);
      expect(gaps).toBeGreaterThan(0);
    },
    600_000,
  );
});
