/**
 * Composition root: the only file that knows everybody. It builds the parts from the config, starts them, and stops them in order.
 * It decides nothing about messages; failure of a part is that part's business, except at start, which rejects with one clear line.
 */
import { randomBytes } from "node:crypto";
import { systemClock } from "./clock.ts";
import { type Config, type ConfigInput, configSchema, type RouteOptions } from "./config/schema.ts";
import { drainAll } from "./drain.ts";
import type { Endpoint } from "./endpoint.ts";
import { FairleadError } from "./errors.ts";
import { createHeartbeat } from "./heartbeat.ts";
import { createCapacity, defaultCapacity } from "./limits.ts";
import { createListener, type Listener } from "./listener.ts";
import { createLog, type Log } from "./log.ts";
import { createRouteCounters, type RouteCounters } from "./metrics.ts";
import { createOwnPages } from "./own-pages.ts";
import { renderMetrics } from "./prometheus.ts";
import { createReception } from "./reception.ts";
import type { Refusal, Route } from "./route.ts";
import { createRouter } from "./router.ts";
import { createEcho } from "./routes/echo.ts";
import type { SocketConnection } from "./socket.ts";
import { VERSION } from "./version.ts";

export interface Gateway {
  /** Binds and resolves once it listens; rejects with LISTEN_FAILED. */
  start(): Promise<void>;
  /** Where it listens; the configured address before `start`. */
  readonly address: { readonly host: string; readonly port: number };
  /** Drains within `drain.window`, then resolves with everything closed. A second call gets the same promise. */
  stop(): Promise<void>;
}

/** `log`: instead of lines to stderr as `config.log` says. */
export interface GatewayParts {
  readonly log?: Log;
}

/** Throws CONFIG_INVALID when the config is not one. Nothing runs before `start`. */
export function createGateway(input: ConfigInput, parts: GatewayParts = {}): Gateway {
  const config = parseConfig(input);
  const log = parts.log ?? createLog(config.log);
  const house = furnish(config, log);
  let listener: Listener | undefined;
  let stopping: Promise<void> | undefined;

  return {
    async start() {
      listener = createListener({ ...config.listen, ...house.listening, log });
    },
    get address() {
      return { host: config.listen.host, port: listener?.port ?? config.listen.port };
    },
    stop() {
      stopping ??= house.stop(listener);
      return stopping;
    },
  };
}

function parseConfig(input: ConfigInput): Config {
  const parsed = configSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.map(String).join(".")}: ${message}`,
  );
  throw new FairleadError("CONFIG_INVALID", `The config is not valid.\n${problems.join("\n")}`);
}

function furnish(config: Config, log: Log) {
  const clock = systemClock;
  const rejected = new Map<string, number>();
  const capacity = createCapacity(config.limits.connections ?? defaultCapacity());
  const endpoints = Object.entries(config.routes).map(([path, options]) => createEndpoint(path, options));
  let draining = false;

  function createEndpoint(path: string, options: RouteOptions): Endpoint {
    const counters = createRouteCounters(path, options.kind);
    return {
      path,
      counters,
      route: createRoute(path, options, counters),
      heartbeat: createHeartbeat(clock, { ...options.heartbeat, stall: options.stallTimeout }),
      maxMessage: options.maxMessage,
      weight: options.kind === "bridge" ? 2 : 1,
      onOpen: options.onOpen,
      onClose: options.onClose,
    };
  }

  function createRoute(path: string, options: RouteOptions, counters: RouteCounters): Route {
    switch (options.kind) {
      case "echo":
        return createEcho({ options });
      default:
        throw new Error(`${path} ${counters.kind}`);
    }
  }

  function metrics(): string {
    return renderMetrics(
      endpoints.map(({ counters }) => counters),
      {
        version: VERSION,
        rejected,
        descriptorsUsed: capacity.used,
        descriptorsMax: capacity.max,
        engineUp: true,
        queuedMessages: new Map(),
      },
    );
  }

  function onRefused({ code, status }: Refusal, path: string, ip: string): void {
    rejected.set(code, (rejected.get(code) ?? 0) + 1);
    log.debug({ code, status, path, ip }, "! refused");
  }

  const reception = createReception({
    router: createRouter(endpoints.map((endpoint) => [endpoint.path, endpoint] as const)),
    capacity,
    ownPage: createOwnPages({
      routes: endpoints.map(({ path, route }) => ({ path, kind: route.kind })),
      notReady: () => (draining ? "draining" : undefined),
      metrics,
    }),
    isDraining: () => draining,
    nextId: createIds(),
    onRefused,
    log,
  });

  async function stop(listener: Listener | undefined): Promise<void> {
    draining = true;
    if (listener !== undefined) await leave(listener, config, log);
    await Promise.all(endpoints.map(({ route }) => route.dispose()));
    for (const { heartbeat } of endpoints) heartbeat.stop();
  }

  return {
    stop,
    listening: {
      maxMessage: largest(endpoints.map(({ maxMessage }) => maxMessage)),
      reception,
      onGone: (connection: SocketConnection) => capacity.give(connection.endpoint.weight),
    },
  };
}

async function leave(listener: Listener, { drain }: Config, log: Log): Promise<void> {
  if (drain.delay > 0) await new Promise<void>((done) => systemClock.after(drain.delay, done));
  const open = [...listener.connections];
  log.info({ connections: open.length }, "draining");
  await drainAll(open, drain.window, systemClock);
  await listener.stop();
}

/** 0 means no limit, so it is the largest of all. */
function largest(limits: readonly number[]): number {
  return limits.includes(0) ? 0 : Math.max(...limits, 1);
}

/** Unique across nodes and restarts: 64 random bits for this process, then a count. */
function createIds(): () => string {
  const prefix = randomBytes(8).toString("base64url");
  let count = 0;
  return () => {
    count += 1;
    return `${prefix}-${count.toString(36)}`;
  };
}
