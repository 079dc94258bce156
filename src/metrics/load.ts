/**
 * What a node carries, as plain numbers that other nodes see and add up: few, whatever the routes. Speeds are those since the last time
 * that it was asked, but never of less than RATE_MS.
 */
import type { Clock } from "../clock.ts";
import type { RouteCounters } from "../metrics.ts";
import type { Lag } from "./lag.ts";

export type Load = Readonly<Record<string, number>>;

export interface LoadOptions {
  readonly counters: readonly RouteCounters[];
  readonly lag: Pick<Lag, "most">;
  readonly clock: Clock;
  /** Bytes; default: those of the process. */
  readonly memory?: () => number;
}

const RATE_MS = 1_000;
/** Of several nodes the most counts, not the sum. */
const MOST: ReadonlySet<string> = new Set(["eventLoopLagMs"]);

export function createLoad({
  counters,
  lag,
  clock,
  memory = process.memoryUsage.rss,
}: LoadOptions): () => Load {
  const received = createRate(clock, () => sum(counters, (each) => each.received));
  const sent = createRate(clock, () => sum(counters, (each) => each.sent));
  const kinds = [...new Set(counters.map(({ kind }) => kind))];
  return () => ({
    connections: sum(counters, (each) => each.connections),
    ...Object.fromEntries(
      kinds.map((kind) => {
        const ofKind = counters.filter((each) => each.kind === kind);
        return [`connections.${kind}`, sum(ofKind, (each) => each.connections)];
      }),
    ),
    eventStreams: sum(counters, (each) => each.streams),
    receivedPerSecond: received(),
    sentPerSecond: sent(),
    memoryBytes: memory(),
    eventLoopLagMs: Math.round(lag.most),
  });
}

/** A number that one node does not say counts as none. */
export function sumLoads(loads: readonly Load[]): Load {
  const names = [...new Set(loads.flatMap((load) => Object.keys(load)))];
  return Object.fromEntries(
    names.map((name) => {
      const values = loads.flatMap(({ [name]: value }) => value ?? []);
      return [name, MOST.has(name) ? Math.max(...values) : sum(values, (value) => value)];
    }),
  );
}

const sum = <T>(all: readonly T[], of: (each: T) => number): number =>
  all.reduce((total, each) => total + of(each), 0);

/** Whole ones a second. */
function createRate(clock: Clock, count: () => number): () => number {
  let before = count();
  let at = clock.now();
  let rate = 0;
  return () => {
    const now = clock.now();
    if (now - at < RATE_MS) return rate;
    const present = count();
    rate = Math.round(((present - before) * 1_000) / (now - at));
    before = present;
    at = now;
    return rate;
  };
}
