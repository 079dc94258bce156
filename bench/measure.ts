/**
 * Runs the rows of one kind: every contestant is booted once, warmed up, and measured in rounds that take turns (bare, ours,
 * bare, ours ...), because what the machine does meanwhile changes from second to second. Ratios are made within a round.
 */
import type { Load } from "./load.ts";
import { cpuSeconds, residentBytes } from "./proc.ts";
import { boot, type Contestant, type Server } from "./server.ts";
import { median, percentile } from "./table.ts";

export interface Row {
  readonly name: string;
  /** What is counted; CPU is told per this. */
  readonly unit: "messages" | "deliveries" | "MB" | "round trips";
  /** Deliveries that one publish makes. */
  readonly perPublish?: number;
  /** Most that Fairlead may cost against the bare loop; absent: only shown. */
  readonly bar?: number;
  /** Peers that Fairlead must be ahead of. */
  readonly ahead?: readonly string[];
  /** Contestants that have nothing to answer this with. */
  readonly without?: readonly string[];
  open(server: Server): Promise<Load>;
}

export interface Kind {
  readonly name: string;
  /** The first is what the others are compared with. */
  readonly contestants: readonly Contestant[];
  readonly targetPort?: number;
  /** How often everybody is booted anew, default 1. Two processes of the same loop differ by 5 %, more than some bars allow. */
  readonly boots?: number;
  /** Starts what the contestants need to be booted. */
  prepare?(): Promise<void>;
  readonly rows: readonly Row[];
}

export interface Pace {
  readonly warmMs: number;
  readonly rounds: number;
  readonly roundMs: number;
}

/** `cpu`: seconds of server CPU per unit, one value a round. Times in milliseconds. */
export interface Result {
  readonly server: string;
  readonly cpu: readonly number[];
  readonly p50: number;
  readonly p99: number;
  readonly rss: number;
  /** Why there are no numbers. */
  readonly failed?: string;
}

export interface RowResult {
  readonly kind: string;
  readonly row: Row;
  readonly results: readonly Result[];
}

/** A row may take this long per step before it counts as failed. */
const STEP_LIMIT_MS = 20_000;

export async function measure(kind: Kind, pace: Pace, tell: (result: RowResult) => void): Promise<void> {
  const parts: Result[][][] = [];
  await kind.prepare?.();
  for (let i = 0; i < (kind.boots ?? 1); i++) parts.push(await measureOnce(kind, pace));
  for (const [i, row] of kind.rows.entries()) {
    tell({ kind: kind.name, row, results: merge(parts.map((rows) => rows[i] ?? [])) });
  }
}

/** The results of each row. */
async function measureOnce(kind: Kind, pace: Pace): Promise<Result[][]> {
  const servers: Server[] = [];
  for (const contestant of kind.contestants) {
    if (contestant.command !== undefined) servers.push(await boot(contestant, kind.targetPort ?? 0));
  }
  const results: Result[][] = [];
  for (const row of kind.rows) {
    const able = servers.filter(({ name }) => row.without?.includes(name) !== true);
    results.push(await measureRow(row, able, pace));
  }
  await Promise.all(servers.map((server) => server.stop()));
  return results;
}

/** All rounds of all boots; times and memory are the middle of what the boots had. */
export function merge(boots: readonly (readonly Result[])[]): Result[] {
  return (boots[0] ?? []).map(({ server }) => {
    const all = boots.flatMap((results) => results.filter((result) => result.server === server));
    const failed = all.find((result) => result.failed !== undefined)?.failed;
    const middle = (read: (result: Result) => number) => median(all.map(read));
    return {
      server,
      cpu: all.flatMap(({ cpu }) => cpu),
      p50: middle(({ p50 }) => p50),
      p99: middle(({ p99 }) => p99),
      rss: middle(({ rss }) => rss),
      ...(failed === undefined ? {} : { failed }),
    };
  });
}

interface Entry {
  readonly server: Server;
  readonly load: Load | undefined;
  readonly units: number;
  readonly cpu: number[];
  readonly times: number[];
  failed?: string;
}

async function measureRow(row: Row, servers: readonly Server[], pace: Pace): Promise<Result[]> {
  const entries: Entry[] = [];
  for (const server of servers) entries.push(await enter(row, server, pace));
  for (let round = 0; round < pace.rounds; round++) {
    // Back and forth, so that nobody always comes after the same neighbour.
    for (const entry of round % 2 === 0 ? entries : entries.toReversed()) await runRound(entry);
  }
  return entries.map((entry) => {
    const result = {
      server: entry.server.name,
      cpu: entry.cpu,
      p50: percentile(entry.times, 0.5),
      p99: percentile(entry.times, 0.99),
      rss: residentBytes(entry.server.pid),
    };
    entry.load?.end();
    return entry.failed === undefined ? result : { ...result, failed: entry.failed };
  });
}

/** Connects and warms up until the JIT has settled; how much a round holds follows from the speed it reached. */
async function enter(row: Row, server: Server, pace: Pace): Promise<Entry> {
  const entry = { server, cpu: [], times: [] };
  try {
    const load = await inTime(row.open(server));
    let units = 1;
    let rate = 0;
    for (const until = performance.now() + pace.warmMs; performance.now() < until; ) {
      const began = performance.now();
      const done = await inTime(load.run(units, []));
      rate = done / (performance.now() - began);
      units = Math.min(units * 4, rate * (pace.warmMs / 4));
    }
    return { ...entry, load, units: rate * pace.roundMs };
  } catch (error) {
    return { ...entry, load: undefined, units: 0, failed: String(error) };
  }
}

async function runRound(entry: Entry): Promise<void> {
  if (entry.load === undefined || entry.failed !== undefined) return;
  try {
    const before = cpuSeconds(entry.server.pid);
    const done = await inTime(entry.load.run(entry.units, entry.times));
    entry.cpu.push((cpuSeconds(entry.server.pid) - before) / done);
  } catch (error) {
    entry.failed = String(error);
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("did not finish in time")), STEP_LIMIT_MS);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** CPU per unit against `base`, the median of the rounds' ratios: both were measured within the same seconds. */
export function ratio(result: Result, base: Result): number {
  return median(result.cpu.map((cpu, round) => cpu / (base.cpu[round] ?? Number.NaN)));
}
