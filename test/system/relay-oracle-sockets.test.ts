/**
 * The oracle of the relay over real sockets: a whole gateway, the library with the runtime's WebSocket, links that end in the middle of a
 * frame. Fewer sequences than test/system/relay-oracle.test.ts plays without sockets, which sees every frame and moves the clock.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { RELAY_KINDS } from "../oracle/relay/play.ts";
import { playRelayOnSockets, socketSteps } from "../oracle/relay/sockets.ts";
import { RUNS, SEED } from "../oracle/runs.ts";

test.each(RELAY_KINDS.map((kind) => [kind.third, kind.isMixed ? "plain and v1" : "v1", kind] as const))(
  "every send over sockets has the end that it is told, under %s among %s peers",
  async (third, peers, kind) => {
    console.log(`oracle: relay ${third} ${peers} on sockets, FAIRLEAD_RUNS=${RUNS} FAIRLEAD_SEED=${SEED}`);
    let [given, delivered, expired] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(socketSteps, async (all) => {
        const played = await playRelayOnSockets(kind, all);
        given += played.given;
        delivered += played.ended("delivered");
        expired += played.ended("expired");
      }),
      { numRuns: Math.ceil(RUNS / RELAY_KINDS.length), seed: SEED },
    );
    expect(given).toBeGreaterThan(RUNS / RELAY_KINDS.length);
    expect(delivered).toBeGreaterThan(0);
    expect(expired).toBeGreaterThan(0);
  },
  600_000,
);
