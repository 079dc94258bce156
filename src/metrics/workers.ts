/** What `/metrics` says of the workers of a node, where there are several: one table, against which the docs are checked. */
import { PROCESS_METRICS } from "./process.ts";
import type { Across, Metric, Sample } from "./prometheus.ts";
import { ROUTE_METRICS } from "./route.ts";

export interface WorkersStats {
  /** They gave their numbers. */
  readonly answering: number;
  /** They run, and did not answer in time: their numbers are those of the time before. */
  readonly silent: number;
  /** They have ended and are not back, or have not begun to listen. */
  readonly away: number;
  /** How many ended that nobody had asked to. */
  readonly ended: number;
}

export const WORKERS_METRICS: readonly Metric<WorkersStats>[] = [
  {
    name: "fairlead_workers",
    type: "gauge",
    help: "Worker processes, with several of them: their numbers are in the sums (answering), or those of the time before are (silent), or they do not listen (away).",
    read: ({ answering, silent, away }): Sample[] => [
      [{ state: "answering" }, answering],
      [{ state: "silent" }, silent],
      [{ state: "away" }, away],
    ],
  },
  {
    name: "fairlead_workers_ended_total",
    type: "counter",
    help: "Worker processes that ended though nobody stopped the gateway; another one takes the place of each.",
    read: ({ ended }): Sample[] => [[{}, ended]],
  },
];

/** How gauges that do not add up become one. */
export const ACROSS: ReadonlyMap<string, Across> = new Map(
  [...ROUTE_METRICS, ...PROCESS_METRICS].flatMap(({ name, across }) =>
    across === undefined ? [] : [[name, across]],
  ),
);
