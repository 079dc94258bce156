/**
 * idle: resident memory per connection that says nothing, at 10,000: of a plain echo, and of a member of a room that speaks
 * fairlead.v1, with its session, its subscription and its place in the presence. The first connections are left out of the sum: they pay
 * for code and pools that the rest share.
 */
import { connectAll } from "./client.ts";
import { bare, fairlead, ws } from "./contestants.ts";
import { rested } from "./proc.ts";
import type { Figure } from "./report.ts";
import { boot, type Contestant } from "./server.ts";

const FIRST = 500;
const CONNECTIONS = 10_000;

interface Idle {
  readonly name: string;
  readonly path: string;
  readonly protocol?: string;
  readonly bar: number;
  readonly contestants: readonly Contestant[];
}

/** `bar` in KiB. */
const IDLES: readonly Idle[] = [
  {
    name: "idle connection",
    path: "/echo",
    bar: 4,
    contestants: [bare("echo"), fairlead("echo"), ws("echo")],
  },
  {
    name: "idle fairlead.v1 connection",
    path: "/room/idle",
    protocol: "fairlead.v1",
    bar: 6,
    contestants: [fairlead("room")],
  },
];

export async function idle(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of IDLES) {
    for (const contestant of kind.contestants)
      if (contestant.command !== undefined) figures.push(await perConnection(contestant, kind));
  }
  return figures;
}

async function perConnection(contestant: Contestant, { name, path, protocol, bar }: Idle): Promise<Figure> {
  const server = await boot(contestant, 0);
  const first = await connectAll(server.port, path, FIRST, 1, protocol);
  const before = await rested(server.pid);
  const rest = await connectAll(server.port, path, CONNECTIONS, 1, protocol);
  const bytes = (await rested(server.pid)) - before;
  for (const client of [...first, ...rest]) client.end();
  await server.stop();
  return {
    name: `${name}, at ${CONNECTIONS.toLocaleString("en-US")}`,
    server: contestant.name,
    value: bytes / CONNECTIONS / 1024,
    unit: "KiB",
    bar,
  };
}
