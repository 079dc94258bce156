/** Nodes of a test's on one Redis, each with connections of its own. */
import { type Clock, systemClock } from "../../../src/clock.ts";
import type { NodeReport } from "../../../src/cluster.ts";
import type { RedisOptions } from "../../../src/config/engine.ts";
import type { Fault } from "../../../src/engines/in-process/down.ts";
import { createCluster, type RedisCluster } from "../../../src/engines/redis/cluster.ts";
import type { Homes } from "../../../src/engines/redis/homes.ts";
import { heldClock } from "./held-clock.ts";
import { openHomes } from "./homes-house.ts";

export interface TestNode extends AsyncDisposable {
  readonly cluster: RedisCluster;
  readonly homes: Homes;
  /** Ids of nodes that were told to be gone, in their order. */
  readonly gone: readonly string[];
  readonly faults: readonly Fault[];
  /** Its timers do not run, as if the process were stopped. */
  stall(): void;
  goOn(): void;
  /** Its connections end, and nobody is told. */
  vanish(): void;
}

export const LEASE_MS = 300;

export const reportOf = (name: string): NodeReport => ({
  name,
  advertise: `ws://${name}`,
  version: "1.2.3",
  config: "same",
  load: { connections: 3 },
});

export async function openNode(
  url: string,
  name: string,
  options: Partial<RedisOptions> = {},
  base: Clock = systemClock,
): Promise<TestNode> {
  const { homes } = await openHomes(url, options, { clock: base });
  const { lease = LEASE_MS } = options;
  const faults: Fault[] = [];
  const gone: string[] = [];
  const { clock, stall, goOn } = heldClock(base);
  const cluster = createCluster({
    homes,
    clock,
    lease,
    report: (fault) => void faults.push(fault),
  });
  cluster.onGone((id) => void gone.push(id));
  cluster.announce(() => reportOf(name));
  return {
    cluster,
    homes,
    gone,
    faults,
    stall,
    goOn,
    vanish: () => homes.close(),
    async [Symbol.asyncDispose]() {
      await cluster.close();
      homes.close();
    },
  };
}
