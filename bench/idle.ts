/**
 * idle: resident memory per connection that says nothing, at 10,000: of a plain echo, and of a member of a room that speaks
 * fairlead.v1, with its session, its subscription and its place in the presence; at 5,000 of bridges, TCP connection included, and
 * what opening one of those costs. The first connections are left out of the sum: they pay for code and pools that the rest share.
 */

import { BRIDGE_PROTOCOL } from "../src/wire/bridge-frames.ts";
import { target } from "./bridge.ts";
import { connectAll } from "./client.ts";
import { bare, fairlead, ws } from "./contestants.ts";
import { cpuSeconds, rested } from "./proc.ts";
import type { Figure } from "./report.ts";
import { boot, type Contestant } from "./server.ts";

const FIRST = 500;

interface Idle {
  readonly name: string;
  readonly path: string;
  readonly protocol?: string;
  /** Frames that each gets on open. */
  readonly greetings: number;
  readonly connections: number;
  readonly bar: number;
  /** CPU milliseconds to open one, at most; absent: not told. */
  readonly openBar?: number;
  readonly contestants: readonly Contestant[];
}

/** `bar` in KiB. */
const IDLES: readonly Idle[] = [
  {
    name: "idle connection",
    path: "/echo",
    greetings: 1,
    connections: 10_000,
    bar: 4,
    contestants: [bare("echo"), fairlead("echo"), ws("echo")],
  },
  {
    name: "idle fairlead.v1 connection",
    path: "/room/idle",
    protocol: "fairlead.v1",
    greetings: 1,
    connections: 10_000,
    bar: 6,
    contestants: [fairlead("room")],
  },
  {
    name: "idle bridge",
    path: "/bridge",
    greetings: 0,
    connections: 5_000,
    bar: 24,
    openBar: 2,
    contestants: [bare("bridge"), fairlead("bridge")],
  },
  {
    name: "idle resumable bridge",
    path: "/bridge",
    protocol: BRIDGE_PROTOCOL,
    greetings: 1,
    connections: 5_000,
    bar: 24,
    openBar: 2,
    contestants: [fairlead("bridge")],
  },
];

export async function idle(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of IDLES) {
    for (const contestant of kind.contestants)
      if (contestant.command !== undefined) figures.push(...(await perConnection(contestant, kind)));
  }
  return figures;
}

async function perConnection(contestant: Contestant, kind: Idle): Promise<Figure[]> {
  const { path, protocol, greetings, connections, bar, openBar } = kind;
  const server = await boot(contestant, target.port);
  const first = await connectAll(server.port, path, FIRST, greetings, protocol);
  const before = await rested(server.pid);
  const cpu = cpuSeconds(server.pid);
  const rest = await connectAll(server.port, path, connections, greetings, protocol);
  const opening = cpuSeconds(server.pid) - cpu;
  const bytes = (await rested(server.pid)) - before;
  for (const client of [...first, ...rest]) client.end();
  await server.stop();
  const name = `${kind.name}, at ${connections.toLocaleString("en-US")}`;
  const memory = { name, server: contestant.name, value: bytes / connections / 1024, unit: "KiB", bar };
  if (openBar === undefined) return [memory];
  const value = (opening * 1000) / connections;
  return [memory, { name: `${name}: opening`, server: contestant.name, value, unit: "CPU ms", bar: openBar }];
}
