/** All that bounds what clients together may take, built from the config. The parts know each other only here. */
import type { Clock } from "../clock.ts";
import type { Config } from "../config/schema.ts";
import { type Capacity, createCapacity, defaultCapacity } from "../limits.ts";
import type { Log } from "../log.ts";
import { cgroupMemory } from "./cgroup.ts";
import { createLingering, nofile, openDescriptors } from "./descriptors.ts";
import { createDoor, type Door, type DoorOptions } from "./door.ts";
import { createMemory, type Memory } from "./memory.ts";
import { createPacing } from "./pace.ts";

export interface Bounds {
  readonly capacity: Capacity;
  readonly door: Door;
  readonly memory: Memory;
  readonly pacing: ReturnType<typeof createPacing>;
  start(): void;
  stop(): void;
}

export interface BoundsDeps extends Pick<DoorOptions, "isTrusted"> {
  readonly clock: Clock;
  readonly log: Log;
}

/** At the limit of the process nothing is refused, everything hangs; logs, listeners and the engine need some, too. */
const MOST_OF_NOFILE = 0.9;
/** The system kills what passes its limit, so the mark lies well below. */
export const SHARE_OF_CGROUP = 0.8;

export function createBounds({ limits, memory: { max } }: Config, deps: BoundsDeps): Bounds {
  const { clock } = deps;
  const most = nofile();
  const lingering = createLingering(clock, most, openDescriptors);
  const capacity = createCapacity(limits.connections ?? defaultCapacity(), lingering);
  const memory = createMemory({
    ...deps,
    max: max ?? Math.floor(cgroupMemory() * SHARE_OF_CGROUP),
    resident: () => process.memoryUsage.rss(),
    collect: () => Bun.gc(true),
    laggards: () => door.holders(),
  });
  const door = createDoor({ ...deps, ...limits, capacity, isShort: () => memory.isOver });
  return {
    capacity,
    door,
    memory,
    pacing: createPacing(limits, clock),
    start() {
      if (capacity.max === 0 || capacity.max > most * MOST_OF_NOFILE)
        deps.log.warn({ connections: capacity.max, nofile: most }, "! more connections than descriptors");
      memory.start();
    },
    stop: memory.stop,
  };
}
