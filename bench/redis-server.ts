/**
 * A redis-server (or valkey-server) of the bench's own, which keeps nothing, and gateways on it. It runs beside the load, so that the
 * core of the gateways is theirs alone.
 */
import type { RouteKind } from "../src/route.ts";
import { fairlead } from "./contestants.ts";
import { boot, type Contestant, LOAD_CORE, type Server } from "./server.ts";

const program = Bun.which("redis-server") ?? Bun.which("valkey-server");

export const NO_REDIS = "this machine has no redis-server";

const contestant: Contestant = {
  name: "redis-server",
  command: (port) => [program ?? "", "--port", `${port}`, "--bind", "127.0.0.1", "--save", ""],
};

let running: Promise<Server> | undefined;

/** One for all rows. Undefined: there is none here. */
export async function startRedis(): Promise<Server | undefined> {
  if (program === null) return undefined;
  running ??= boot(contestant, 0, LOAD_CORE);
  return running;
}

/** A machine that stands still for a moment must not cost a message: a row waits for each. */
const PATIENCE = "15s";

let systems = 0;

/** What other gateways know nothing of. */
export const freshPrefix = (): string => `bench-${++systems}`;

/** Call `startRedis` before it is booted; without a Redis it has the engine that it has by default. */
export function node(
  kind: RouteKind,
  options: object,
  { port }: Pick<Server, "port">,
  prefix: string,
): Contestant {
  const engine = { redis: `redis://127.0.0.1:${port}`, prefix, timeout: PATIENCE };
  return fairlead(kind, options, "fairlead", { engine });
}

/** Bytes of what it holds, as it counts them itself: its resident memory has what other rows left free. */
export async function heldBytes({ port }: Pick<Server, "port">): Promise<number> {
  const client = new Bun.RedisClient(`redis://127.0.0.1:${port}`);
  const about = String(await client.send("INFO", ["memory"]));
  client.close();
  return Number(/^used_memory:(\d+)/m.exec(about)?.[1]);
}
