/** Three gateways over one Redis, and sessions of the library whose waits are short, for faults of nodes and of the engine. */
import { onTestFinished } from "bun:test";
import { type ConnectOptions, connect, type Session, type Status } from "../../src/client/index.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { IDEM_MARGIN_MS } from "../../src/engine.ts";
import { type Nodes, withNodes } from "../nodes-house.ts";
import { type RedisHouse, type RedisOptions, startRedis } from "../redis-house.ts";
import { hurried } from "../system/kills-house.ts";
import { within } from "../system/program.ts";

/** As in the config, and in ms. */
export const LEASE = 2_000;
export const TIMEOUT = 1_000;
const ENGINE = { lease: LEASE, timeout: TIMEOUT } as const;
const LASTING = { size: 100_000, ttl: 0, bytes: 0 } as const;

export const FEED = { kind: "feed", publish: true, welcome: false, history: LASTING } as const;
const ROUTES = { "/f/:topic": FEED, "/echo": { kind: "echo", welcome: false } } as const;

export interface ManyNodes {
  readonly nodes: Nodes;
  readonly redis: RedisHouse;
  /** At this node, for ever. */
  at(node: number, path: string): Told;
  /** At this one first, then at the next one each time that it comes back. */
  anywhere(node: number, path: string): Told;
}

export type Told = Session & { readonly statuses: Status[] };

export interface ManyNodesOptions {
  readonly redis?: RedisOptions;
  readonly routes?: NonNullable<ConfigInput["routes"]>;
  readonly engine?: Readonly<Record<string, unknown>>;
  readonly config?: Omit<ConfigInput, "routes" | "engine" | "node" | "advertise">;
  readonly seconds?: number;
}

export async function withManyNodes(
  { redis: settings = {}, routes = ROUTES, engine = {}, config = {}, seconds = 60 }: ManyNodesOptions,
  body: (house: ManyNodes) => Promise<void>,
): Promise<void> {
  await using redis = await startRedis(settings);
  const shared = { redis: redis.port, engine: { ...ENGINE, ...engine } };
  const options = { ...shared, routes, config: { log: { level: "warn" }, ...config }, seconds } as const;
  await withNodes(options, async (nodes) => {
    await beOld(nodes, Object.keys(routes));
    const session = (url: () => string, options: ConnectOptions) => {
      const statuses: Status[] = [];
      const made = connect(url, options);
      onTestFinished(() => made.close());
      made.onStatus((status) => statuses.push(status));
      return Object.assign(made, { statuses });
    };
    await body({
      nodes,
      redis,
      at: (node, path) => session(() => `ws://${nodes.host(node)}${path}`, { clock: hurried }),
      anywhere(node, path) {
        let next = node;
        const url = () => `ws://${nodes.host(next++ % nodes.count)}${path}`;
        return session(url, { clock: hurried });
      },
    });
  });
}

/** In its first second a Redis cannot tell what it has forgotten from what it never knew, and answers a publish that is sent again with `gone`. */
async function beOld(nodes: Nodes, paths: readonly string[]): Promise<void> {
  const feeds = paths.filter((path) => path.endsWith("/:topic"));
  const said = feeds.map((path) =>
    fetch(`http://${nodes.host(0)}${path.replace(":topic", "first")}`, { method: "POST", body: "first" }),
  );
  await Promise.all(said);
  await Bun.sleep(IDEM_MARGIN_MS + 100);
}

/** Publishes the numbers at once, and resolves when all are answered. */
export async function publishAll(writer: Session, numbers: readonly number[]): Promise<void> {
  const published = Promise.all(numbers.map((n) => writer.publish(n)));
  await within(20, published, () => "a publish was not answered");
}
