/**
 * Several nodes on one Redis: how long a message takes from one to another, what a delivery costs when its readers are spread over
 * three, and a relay whose peers are on two. All nodes share the core of the servers, and CPU is that of all of them.
 */
import { type Client, connect, connectAll } from "./client.ts";
import { fairlead } from "./contestants.ts";
import { clientFrame, repeat, TEXT } from "./frames.ts";
import { closedLoop, type Load } from "./load.ts";
import { pairs } from "./peers.ts";
import { cpuSeconds } from "./proc.ts";
import { freshPrefix, node, startRedis } from "./redis-server.ts";
import type { Figure } from "./report.ts";
import { boot, type Server } from "./server.ts";
import { median, percentile } from "./table.ts";

const SERVER = "fairlead";
const MESSAGE = clientFrame("x".repeat(128), TEXT);
const PROTOCOL = "fairlead.v1";
const GREETINGS = 1;

const HOPS = 400;
const HOP_EVERY_MS = 5;
const BAR_HOP_MS = 2;

const READERS = 1_000;
const BURST = 32;
const BAR_SPREAD = 1.1;

/** 0.85 of the deliveries in the same CPU time. */
const BAR_FANOUT = 1 / 0.85;
/** To fewer readers it is the way through Redis that costs: shown, without a bar. */
const MANY = 100;

const ROUNDS = 5;
const ROUND_MS = 500;
const WARM_MS = 1_000;

export async function nodes(): Promise<Figure[]> {
  const redis = await startRedis();
  if (redis === undefined) return [];
  return [
    ...(await withNodes(redis, "room", 2, hop)),
    ...(await withNodes(redis, "room", 2, fanned)),
    ...(await withNodes(redis, "room", 3, (three) =>
      withNodes(redis, "room", 1, (one) => spread(three, one)),
    )),
    ...(await withNodes(redis, "relay", 2, (two) => relayed(two, redis))),
  ];
}

const inBursts = (burst: number) => (burst === 1 ? "single" : `bursts of ${burst}`);

type Found = Promise<readonly Figure[]>;

/** Nodes of one system, which knows nothing of any other. */
async function withNodes(
  redis: Server,
  kind: "room" | "relay",
  count: number,
  measure: (nodes: readonly Server[]) => Found,
): Found {
  const prefix = freshPrefix();
  const options = kind === "room" ? { echo: false } : {};
  const started: Server[] = [];
  while (started.length < count) started.push(await boot(node(kind, options, redis, prefix), 0));
  const figures = await measure(started);
  await Promise.all(started.map((server) => server.stop()));
  return figures;
}

/** One message at a time, and a pause. */
async function hop([from, to]: readonly Server[]): Found {
  if (from === undefined || to === undefined) return [];
  const sender = await connect(from.port, "/room/hop");
  const [reader] = (await connectAll(to.port, "/room/hop", 1, GREETINGS, PROTOCOL)) as [Client];
  const load = closedLoop([{ sender, burst: () => MESSAGE, receivers: [reader], frames: 1 }], 1);
  const times: number[] = [];
  for (let i = 0; i < HOPS; i++) {
    await load.run(1, times);
    await Bun.sleep(HOP_EVERY_MS);
  }
  load.end();
  const name = "published on one node, heard on another";
  // The first ones pay for what the code has not settled yet.
  const settled = times.slice(HOPS / 4);
  return [
    { name: `${name}: p50`, server: SERVER, value: percentile(settled, 0.5), unit: "ms", bar: BAR_HOP_MS },
    { name: `${name}: p99`, server: SERVER, value: percentile(settled, 0.99), unit: "ms" },
  ];
}

/** So many readers on each; somebody at the first publishes. */
async function readersOf(nodes: readonly Server[], burst: number): Promise<Load> {
  const path = `/room/${burst}`;
  const receivers: Client[] = [];
  for (const { port } of nodes)
    receivers.push(...(await connectAll(port, path, READERS, GREETINGS, PROTOCOL)));
  const [first] = nodes as [Server];
  const sender = await connect(first.port, path);
  const frames = repeat(MESSAGE, burst);
  const deliveries = receivers.length * burst;
  return closedLoop([{ sender, burst: () => frames, receivers, frames: deliveries }], deliveries);
}

/**
 * Somebody publishes elsewhere, and one node delivers to so many of its own; against one process with all of it in memory, which is
 * where the publish is too.
 */
async function fanned([from, to]: readonly Server[]): Found {
  if (from === undefined || to === undefined) return [];
  const memory = await boot(fairlead("room", { echo: false }, "memory engine"), 0);
  const figures: Figure[] = [];
  for (const readers of [1, MANY, 1_000])
    for (const burst of [1, BURST]) {
      const far = await enter(await fanOut(from, to, readers, burst), [to]);
      const near = await enter(await fanOut(memory, memory, readers, burst), [memory]);
      for (let i = 0; i < ROUNDS; i++) {
        await far.round();
        await near.round();
      }
      const name = `128 B to ${readers.toLocaleString("en-US")}, published on another node, ${inBursts(burst)}`;
      const ratio = median(far.cpu.map((cpu, i) => cpu / (near.cpu[i] ?? Number.NaN)));
      figures.push(
        { name: `${name}: CPU per delivery`, server: SERVER, value: median(far.cpu), unit: "µs" },
        {
          name,
          server: SERVER,
          value: ratio,
          unit: "of memory engine",
          ...(readers >= MANY && { bar: BAR_FANOUT }),
        },
      );
      for (const { load } of [far, near]) load.end();
    }
  await memory.stop();
  return figures;
}

async function fanOut(from: Server, to: Server, readers: number, burst: number): Promise<Load> {
  const path = `/room/far-${readers}-${burst}`;
  const receivers = await connectAll(to.port, path, readers, GREETINGS, PROTOCOL);
  const sender = await connect(from.port, path);
  const frames = repeat(MESSAGE, burst);
  return closedLoop([{ sender, burst: () => frames, receivers, frames: readers * burst }], readers * burst);
}

/** In turns, as rows are measured, because what the machine does meanwhile changes. */
async function spread(three: readonly Server[], one: readonly Server[]): Found {
  const figures: Figure[] = [];
  for (const burst of [1, BURST]) {
    const wide = await enter(await readersOf(three, burst), three);
    const narrow = await enter(await readersOf(one, burst), one);
    for (let i = 0; i < ROUNDS; i++) {
      await wide.round();
      await narrow.round();
    }
    const ratio = median(wide.cpu.map((cpu, i) => cpu / (narrow.cpu[i] ?? Number.NaN)));
    const name = `128 B, ${inBursts(burst)}: CPU of nodes per delivery`;
    const figure = { server: SERVER, unit: "µs" };
    figures.push(
      { ...figure, name: `one node, 1,000 readers, ${name}`, value: median(narrow.cpu) },
      { ...figure, name: `three nodes, 3,000 readers, ${name}`, value: median(wide.cpu) },
      { ...figure, name: `three nodes against one, ${name}`, unit: "of one", value: ratio, bar: BAR_SPREAD },
    );
    for (const { load } of [wide, narrow]) load.end();
  }
  return figures;
}

async function relayed([center, local]: readonly Server[], redis: Server): Found {
  if (center === undefined || local === undefined) return [];
  const figures: Figure[] = [];
  for (const window of [1, 64]) {
    const entry = await enter(await pairs(center, window, local), [center, local], redis);
    for (let i = 0; i < ROUNDS; i++) await entry.round();
    const name = `relay over two nodes, 100 B, window ${window}`;
    figures.push(
      { name: `${name}: p50`, server: SERVER, unit: "ms", value: percentile(entry.times, 0.5) },
      { name: `${name}: CPU of both per message`, server: SERVER, unit: "µs", value: median(entry.cpu) },
      { name: `${name}: CPU per message`, server: "redis-server", unit: "µs", value: median(entry.beside) },
    );
    entry.load.end();
  }
  return figures;
}

interface Entry {
  readonly load: Load;
  /** Microseconds per unit, of all servers together, one value a round. */
  readonly cpu: number[];
  /** The same of the one beside them. */
  readonly beside: number[];
  readonly times: number[];
  round(): Promise<void>;
}

/** Warms up; how much a round holds follows from the speed it reached. */
async function enter(load: Load, servers: readonly Server[], besides?: Server): Promise<Entry> {
  const entry = { load, cpu: [] as number[], beside: [] as number[], times: [] as number[] };
  let rate = 0;
  for (let units = 1, until = performance.now() + WARM_MS; performance.now() < until; ) {
    const began = performance.now();
    const done = await load.run(units, []);
    rate = done / (performance.now() - began);
    units = Math.min(units * 4, rate * (WARM_MS / 4));
  }
  const cpuOf = (all: readonly Server[]) => all.reduce((sum, { pid }) => sum + cpuSeconds(pid) * 1e6, 0);
  const other = besides === undefined ? [] : [besides];
  return {
    ...entry,
    async round() {
      const [cpu, beside] = [cpuOf(servers), cpuOf(other)];
      const done = await load.run(rate * ROUND_MS, entry.times);
      entry.cpu.push((cpuOf(servers) - cpu) / done);
      entry.beside.push((cpuOf(other) - beside) / done);
    },
  };
}
