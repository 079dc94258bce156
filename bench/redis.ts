/**
 * redis: what a message costs a node that shares topics through Redis, against the same program with its topics in memory: the rows of
 * `pub`, and of `fanout` to many. Beside them what Redis itself takes, and what several nodes do together (redis-nodes.ts).
 */
import { fairlead } from "./contestants.ts";
import { fanout } from "./fanout.ts";
import type { Load } from "./load.ts";
import type { Kind, Row } from "./measure.ts";
import { cpuSeconds } from "./proc.ts";
import { pub } from "./pub.ts";
import { clients } from "./redis-clients.ts";
import { nodes } from "./redis-nodes.ts";
import { freshPrefix, NO_REDIS, node, startRedis } from "./redis-server.ts";
import type { Figure } from "./report.ts";
import type { Contestant, Server } from "./server.ts";
import { median } from "./table.ts";

const MEMORY = "memory engine";
const NODE = "fairlead";
/** Of the memory engine's CPU. */
const BAR_PUBLISH = 3;
/** 50,000 publishes a second. */
const BAR_US = 20;

interface Round {
  readonly units: number;
  /** Microseconds per unit. */
  readonly wall: number;
  readonly redis: number;
}

const rounds = new Map<string, Round[]>();
let redisAt: Server | undefined;

async function prepare(): Promise<void> {
  redisAt = await startRedis();
}

function contestants(options: object): readonly Contestant[] {
  const command = (port: number, target: number) =>
    node("room", options, redisAt ?? { port: 0 }, freshPrefix()).command?.(port, target) ?? [];
  return [fairlead("room", options, MEMORY), { name: NODE, command }];
}

/** The row, and a look at the clock and at Redis in each of its rounds. */
function watched(row: Row, bar: number | undefined): Row {
  const { bar: _, ...rest } = row;
  return {
    ...rest,
    ...(bar !== undefined && { bar }),
    async open(server) {
      if (server.name === MEMORY) return row.open(server);
      if (redisAt === undefined) throw new Error(NO_REDIS);
      return watch(row.name, await row.open(server), redisAt);
    },
  };
}

function watch(name: string, load: Load, { pid }: Server): Load {
  const told: Round[] = [];
  rounds.set(name, told);
  return {
    ...load,
    async run(units, times) {
      const cpu = cpuSeconds(pid);
      const began = performance.now();
      const done = await load.run(units, times);
      const wall = (performance.now() - began) * 1000;
      told.push({ units: done, wall: wall / done, redis: ((cpuSeconds(pid) - cpu) * 1e6) / done });
      return done;
    },
  };
}

const isWide = ({ perPublish = 0 }: Row) => perPublish >= 100;

export const redisPub: Kind = {
  name: "redis",
  contestants: contestants({}),
  prepare,
  rows: pub.rows.map((row) => watched(row, row.bar && BAR_PUBLISH)),
};

export const redisFanout: Kind = {
  name: "redis",
  contestants: contestants({ echo: false }),
  boots: 2,
  prepare,
  rows: fanout.rows.filter(isWide).map((row) => watched(row, row.bar)),
};

/** What the rows above showed beside the node's CPU, then several nodes. */
export async function redis(): Promise<Figure[]> {
  const beside = pub.rows.flatMap(({ name, bar }) => {
    const told = longest(rounds.get(name) ?? []);
    const of = (read: (round: Round) => number) => ({ value: median(told.map(read)), unit: "µs" });
    return [
      {
        ...of(({ wall }) => wall),
        name: `publish through Redis, ${name}: time`,
        server: NODE,
        ...(bar && { bar: BAR_US }),
      },
      { ...of(({ redis }) => redis), name: `publish through Redis, ${name}: CPU`, server: "redis-server" },
    ];
  });
  return [...beside, ...(await nodes()), ...(await clients())];
}

/** The others were to warm up. */
function longest(told: readonly Round[]): readonly Round[] {
  const most = Math.max(...told.map(({ units }) => units));
  return told.filter(({ units }) => units > most / 2);
}
