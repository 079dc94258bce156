/**
 * The oracle over real sockets: a whole gateway, links that stall and that end in the middle of a frame, readers of fairlead.v1, plain
 * ones and event streams. Fewer sequences than test/system/oracle.test.ts plays without sockets, which has finer steps.
 */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { folder } from "../folder.ts";
import { KINDS, RUNS, SEED } from "../oracle/runs.ts";
import { playOnSockets, socketSteps } from "../oracle/sockets.ts";

const ENGINES = [
  ["memory", () => "memory" as const],
  ["sqlite", () => ({ sqlite: join(folder(), "oracle.db") })],
] as const;

describe.each(ENGINES)("on %s, over sockets", (engine, settings) => {
  test.each(KINDS.map((kind) => [kind.kind, kind.policy, kind] as const))(
    "every reader of a %s under %s has the log, or was told what it lacks",
    async (name, policy, kind) => {
      console.log(`oracle: ${name} ${policy} on ${engine}, FAIRLEAD_RUNS=${RUNS} FAIRLEAD_SEED=${SEED}`);
      let [got, gaps] = [0, 0];
      await fc.assert(
        fc.asyncProperty(socketSteps, async (all) => {
          const played = await playOnSockets(kind, settings, all);
          got += played.got;
          gaps += played.gaps;
        }),
        { numRuns: Math.ceil(RUNS / KINDS.length / ENGINES.length), seed: SEED },
      );
      expect(got).toBeGreaterThan(RUNS);
      expect(gaps).toBeGreaterThan(0);
    },
    600_000,
  );
});
