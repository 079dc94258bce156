/** How many workers `auto` is: one for each core that the system lets this process use, the share of a container counted, at least one. */
import { availableParallelism } from "node:os";
import type { Config } from "../../config/schema.ts";
import { cgroupCpus } from "../../limits/cgroup.ts";

/** `cores`: as affinity allows (`taskset`). `share`: the control group's processors, 0 = no limit. */
export function countWorkers(
  workers: Config["workers"],
  cores = availableParallelism(),
  share = cgroupCpus(),
): number {
  if (workers !== "auto") return workers;
  // A part of a core would only make two workers wait for each other.
  return Math.max(1, Math.min(cores, share > 0 ? Math.floor(share) : cores));
}
