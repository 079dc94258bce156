/**
 * The oracle of the relay over three nodes and one Redis: nodes die, stop, stand still and lose their way to Redis, Redis loses all, and
 * peers are cut off, come back at other nodes, are replaced and die. Every send has one end, and what it says is true:
 * `test/oracle/relay/ledger.ts` has the rules.
 */
import { expect } from "bun:test";
import fc from "fast-check";
import { RELAY_KINDS } from "../oracle/relay/play.ts";
import { nodesSteps, playNodes } from "../oracle/relay/play-nodes.ts";
import { RUNS, SEED } from "../oracle/runs.ts";
import { sharedRedis } from "../redis-house.ts";
import { requires } from "../requires.ts";

const redis = sharedRedis();
const test = requires("redis-server");

for (const kind of RELAY_KINDS) {
  const peers = kind.isMixed ? "plain and v1" : "v1";
  test(`every send over three nodes has the end that it is told, under ${kind.third} among ${peers} peers`, async () => {
    console.log(`oracle: relay ${kind.third} ${peers} on nodes, FAIRLEAD_RUNS=${RUNS} FAIRLEAD_SEED=${SEED}`);
    let given = 0;
    const ends = { delivered: 0, expired: 0, dropped: 0, unknown: 0, engine_down: 0 };
    const runs = Math.ceil(RUNS / RELAY_KINDS.length / 2);
    await fc.assert(
      fc.asyncProperty(nodesSteps, async (all) => {
        const played = await playNodes(await redis(), kind, all);
        given += played.given;
        for (const fate of ["delivered", "expired", "dropped", "unknown", "engine_down"] as const)
          ends[fate] += played.ended(fate);
      }),
      { numRuns: runs, seed: SEED },
    );
    console.log(`given ${given}, ${JSON.stringify(ends)}`);
    expect(given).toBeGreaterThan(runs);
    expect(ends.delivered).toBeGreaterThan(0);
    expect(ends.unknown).toBeGreaterThan(0);
  }, 600_000);
}
