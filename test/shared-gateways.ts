/**
 * Gateways of this process that share a Redis: cheaper than processes of their own (nodes-house.ts) where none has to be killed or stopped.
 * Before them is one address that leads to whatever gateway the test says, and each has one of its own, which it tells its clients.
 */
import type { ConfigInput } from "../src/config/schema.ts";
import { type LogLine, memoryLog, startGateway, type TestGateway } from "./gateway.ts";
import { freePort } from "./system/programs/free-port.ts";
import { startProxy, type TcpProxy } from "./tcp-proxy.ts";

export interface SharedGateways extends AsyncDisposable {
  readonly all: readonly TestGateway[];
  readonly logs: readonly (readonly LogLine[])[];
  /** `front.host` is the address that clients know. */
  readonly front: TcpProxy;
  /** What each gateway says of itself as `advertise`. */
  readonly ways: readonly TcpProxy[];
  /** From now on new connections to the front reach this one. */
  lead(to: number): void;
  /** Every link ends. */
  cut(): void;
  /** Closes with this code, at all of them and for this route. */
  closed(route: string, code: number): Promise<number>;
}

export interface SharedOptions {
  readonly redis: string;
  readonly routes: ConfigInput["routes"];
  readonly count?: number;
  /** Whether they say where clients reach them. Default: they do. */
  readonly advertise?: boolean;
  readonly engine?: Readonly<Record<string, unknown>>;
  readonly config?: Omit<ConfigInput, "routes" | "engine" | "listen" | "advertise">;
}

export async function startGateways(options: SharedOptions): Promise<SharedGateways> {
  const { redis, routes, count = 2, advertise = true, engine, config } = options;
  const all: TestGateway[] = [];
  const logs: (readonly LogLine[])[] = [];
  const ways: TcpProxy[] = [];
  for (let n = 0; n < count; n += 1) {
    const port = await freePort();
    const way = await startProxy(port);
    const log = memoryLog();
    const own = {
      listen: { port },
      node: `gateway-${n}`,
      engine: { redis, ...engine },
      ...(advertise ? { advertise: `ws://${way.host}` } : {}),
    };
    all.push(await startGateway(routes, { drain: { window: 100 }, ...config, ...own }, { log }));
    ways.push(way);
    logs.push(log.lines);
  }
  const portOf = (n: number) => all[n]?.gateway.address.port ?? 0;
  const front = await startProxy(portOf(0));
  return {
    all,
    logs,
    front,
    ways,
    cut() {
      for (const proxy of [front, ...ways]) proxy.reset();
    },
    lead(to) {
      front.target = portOf(to);
    },
    async closed(route, code) {
      const series = `fairlead_connections_closed_total{route="${route}",code="${code}"}`;
      const counts = await Promise.all(all.map((gateway) => gateway.metric(series)));
      return counts.reduce((sum, n) => sum + n, 0);
    },
    async [Symbol.asyncDispose]() {
      for (const proxy of [front, ...ways]) proxy[Symbol.dispose]();
      await Promise.all(all.map((gateway) => gateway[Symbol.asyncDispose]()));
    },
  };
}
