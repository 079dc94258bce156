/**
 * idle: resident memory per connection that says nothing, at 10,000. The first connections are left out of the sum: they pay
 * for code and pools that the rest share.
 */
import { connectAll } from "./client.ts";
import { bare, fairlead, ws } from "./contestants.ts";
import { residentBytes } from "./proc.ts";
import type { Figure } from "./report.ts";
import { boot, type Contestant } from "./server.ts";
import { median } from "./table.ts";

const FIRST = 500;
const CONNECTIONS = 10_000;
const BAR_KIB = 4;

/** What the handshakes left behind is collected when the server has rested for a while. */
const REST_MS = 3_000;

export async function idle(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const contestant of [bare("echo"), fairlead("echo"), ws("echo")]) {
    if (contestant.command !== undefined) figures.push(await perConnection(contestant));
  }
  return figures;
}

async function perConnection(contestant: Contestant): Promise<Figure> {
  const server = await boot(contestant, 0);
  const first = await connectAll(server.port, "/echo", FIRST, 1);
  const before = await rested(server.pid);
  const rest = await connectAll(server.port, "/echo", CONNECTIONS, 1);
  const bytes = (await rested(server.pid)) - before;
  for (const client of [...first, ...rest]) client.end();
  await server.stop();
  return {
    name: `idle connection, at ${CONNECTIONS.toLocaleString("en-US")}`,
    server: contestant.name,
    value: bytes / CONNECTIONS / 1024,
    unit: "KiB",
    bar: BAR_KIB,
  };
}

/** Memory after a rest; the middle of a few looks, because a collector may be at work. */
async function rested(pid: number): Promise<number> {
  await Bun.sleep(REST_MS);
  const looks: number[] = [];
  for (let i = 0; i < 5; i++) {
    looks.push(residentBytes(pid));
    await Bun.sleep(100);
  }
  return median(looks);
}
