/**
 * The oracle of the relay: peers with the library and plain ones send, are cut off, come back, are replaced and die, messages and sessions
 * expire, and the gateway restarts. Every send has one end, and what it says is true: `test/oracle/relay/ledger.ts` has the rules.
 * `npm run fuzz -- --oracles` plays ten times as many sequences. FAIRLEAD_SEED plays those of another run again; what fails is shrunk.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { playRelay, RELAY_KINDS, relaySteps } from "../oracle/relay/play.ts";
import { RUNS, SEED } from "../oracle/runs.ts";

test.each(RELAY_KINDS.map((kind) => [kind.third, kind.isMixed ? "plain and v1" : "v1", kind] as const))(
  "every send has the end that it is told, under %s among %s peers",
  async (third, peers, kind) => {
    console.log(`oracle: relay ${third} ${peers}, FAIRLEAD_RUNS=${RUNS} FAIRLEAD_SEED=${SEED}`);
    let given = 0;
    const ends = { delivered: 0, expired: 0, dropped: 0, unknown: 0 };
    await fc.assert(
      fc.asyncProperty(relaySteps, async (all) => {
        const played = await playRelay(kind, all);
        given += played.given;
        for (const fate of ["delivered", "expired", "dropped", "unknown"] as const)
          ends[fate] += played.ended(fate);
      }),
      { numRuns: 2 * RUNS, seed: SEED },
    );
    // Sequences in which nothing happens would prove nothing.
    console.log(`given ${given}, ${JSON.stringify(ends)}`);
    expect(given).toBeGreaterThan(RUNS);
    for (const count of Object.values(ends)) expect(count).toBeGreaterThan(0);
  },
  600_000,
);
