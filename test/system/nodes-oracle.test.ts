/**
 * The oracle over nodes: three gateways and one Redis, all of which are killed, stopped, restarted and cut off from each other, while readers and
 * members move between the nodes and writers publish at each. `npm run fuzz -- --oracles` plays ten times as many seeds.
 */
import { expect } from "bun:test";
import { playOnNodes } from "../oracle/nodes/play.ts";
import type { Losses } from "../oracle/nodes/troubles.ts";
import { RUNS, SEED } from "../oracle/runs.ts";
import { requires } from "../requires.ts";

/** Of trouble, for one seed. */
const SECONDS = 10;
const SEEDS = Math.ceil(RUNS / 200);

const CASES: Readonly<Record<Losses, string>> = {
  none: "nobody is told of a gap, if Redis is only stopped and cut off",
  durable: "nobody is told of a gap, if Redis is killed and keeps what it answered",
  all: "whatever is lost is a new epoch, if Redis is killed and emptied",
};

for (const [may, name] of Object.entries(CASES) as [Losses, string][]) {
  requires("redis-server")(
    `every reader at three nodes has one log, every member one list; ${name}`,
    async () => {
      for (let seed = SEED; seed < SEED + SEEDS; seed += 1) {
        console.log(`oracle: nodes, Redis may lose ${may}, FAIRLEAD_RUNS=1 FAIRLEAD_SEED=${seed}`);
        const played = await playOnNodes({ seed, may, seconds: SECONDS });
        console.log(`oracle: ${JSON.stringify(played)}`);
        expect(played.got).toBeGreaterThan(20);
        expect(played.told).toBeGreaterThan(10);
      }
    },
    60_000 + SEEDS * 120_000,
  );
}
