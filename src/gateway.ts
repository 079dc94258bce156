/**
 * Composition root: the only file that knows everybody. It builds the parts from the config, starts them, and stops them in order.
 * It decides nothing about messages; failure of a part is that part's business, except at start, which rejects with one clear line.
 */
import { randomBytes } from "node:crypto";
import { type Clock, systemClock } from "./clock.ts";
import { compressFrom, compressing } from "./compression.ts";
import type { FeedOptions } from "./config/kinds/feed.ts";
import type { Config, ConfigInput, EngineOptions, RouteOptions } from "./config/schema.ts";
import { parseConfig } from "./config/validate.ts";
import type { Publisher } from "./connection.ts";
import { drainAll } from "./drain.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Engine } from "./engine.ts";
import type { Report } from "./engines/in-process/down.ts";
import { createMemoryEngine } from "./engines/memory.ts";
import { createSqliteEngine } from "./engines/sqlite.ts";
import { createClientOf, createSchemeOf, createTrust } from "./forwarded.ts";
import { createHeartbeat } from "./heartbeat.ts";
import { createHostCheck } from "./host.ts";
import { insecureSwitches } from "./insecure.ts";
import { createDoor, type Door } from "./limits/door.ts";
import { type Capacity, createCapacity, defaultCapacity } from "./limits.ts";
import { createListener, type Listener } from "./listener.ts";
import { createLog, type Log } from "./log.ts";
import { createRouteCounters, type RouteCounters } from "./metrics.ts";
import { createOriginCheck } from "./origin.ts";
import { createOwnPages } from "./own-pages.ts";
import { renderMetrics } from "./prometheus.ts";
import { createReception } from "./reception.ts";
import type { Refusal, Route } from "./route.ts";
import { createRouter } from "./router.ts";
import { createBridge } from "./routes/bridge.ts";
import { createEcho } from "./routes/echo.ts";
import { createFeed } from "./routes/feed.ts";
import { createRelay } from "./routes/relay.ts";
import { createRoom } from "./routes/room.ts";
import type { SessionOptions } from "./session.ts";
import { stocks } from "./sources/stocks.ts";
import { checkFolder, createStaticFiles } from "./static-files.ts";
import { clearStale } from "./unix-socket.ts";
import { VERSION } from "./version.ts";

export interface Gateway {
  /** Binds and resolves once it listens; rejects with LISTEN_FAILED, or with ENGINE_DOWN when the engine's file cannot be opened. */
  start(): Promise<void>;
  /** Where it listens; the configured address before `start`. On a socket of the file system: `unix:` and its path, and port 0. */
  readonly address: { readonly host: string; readonly port: number };
  /** Drains within `drain.window`, then resolves with everything closed. A second call gets the same promise. */
  stop(): Promise<void>;
}

/** `log`: instead of lines to stderr as `config.log` says. */
export interface GatewayParts {
  readonly log?: Log;
}

/** Throws CONFIG_INVALID with all that is wrong with the config. Nothing runs before `start`. */
export function createGateway(input: ConfigInput, parts: GatewayParts = {}): Gateway {
  return gatewayOf(parseConfig(input), parts);
}

/** The gateway of a config that was validated where it was loaded, with the lines that errors name. */
export function gatewayOf(config: Config, parts: GatewayParts = {}): Gateway {
  const log = parts.log ?? createLog(config.log);
  const house = furnish(config, log);
  let stopping: Promise<void> | undefined;

  return {
    start: () => house.start(),
    get address() {
      const { host, unix } = config.listen;
      return unix === undefined ? { host, port: house.port() } : { host: `unix:${unix}`, port: 0 };
    },
    stop() {
      stopping ??= house.stop();
      return stopping;
    },
  };
}

/** What every route may need of the house. */
interface House {
  readonly node: string;
  /** Subscriptions that a connection may have. */
  readonly maxSubscriptions: number;
  /** How fast it may ask for them. */
  readonly subscribing: Pick<SessionOptions, "subscribes" | "burst">;
  readonly clock: Clock;
  readonly log: Log;
  readonly engine: Engine;
  readonly capacity: Capacity;
  readonly door: Door;
  readonly publisher: Publisher;
}

function furnish(config: Config, log: Log) {
  const clock = systemClock;
  const rejected = new Map<string, number>();
  const capacity = createCapacity(config.limits.connections ?? defaultCapacity());
  const door = createDoor({ ...config.limits, capacity, isTrusted: createTrust(config.trustProxy), clock });
  const engine = createEngine(config.engine, clock, log);
  const insecure = insecureSwitches(config);
  let draining = false;
  let listener: Listener | undefined;
  const publisher: Publisher = {
    publish: (channel, data, except, from) => listener?.publish(channel, data, except, from),
  };
  const node = config.node ?? randomBytes(6).toString("base64url");
  const { subscriptions: maxSubscriptions, subscribes } = config.limits;
  const subscribing = { subscribes, burst: Math.max(1, maxSubscriptions) };
  const house = { node, maxSubscriptions, subscribing, clock, log, engine, capacity, door, publisher };
  const endpoints = Object.entries(config.routes).map(([path, route]) => createEndpoint(path, route, house));

  const metrics = () =>
    renderMetrics(
      endpoints.map(({ counters }) => counters),
      {
        version: VERSION,
        rejected,
        descriptorsUsed: capacity.used,
        descriptorsMax: capacity.max,
        engineUp: engine.health().up,
        insecure: insecure.map((each) => each.name),
        routes: new Map(endpoints.map(({ path, route }) => [path, route.stats()])),
      },
    );

  function onRefused({ code, status }: Refusal, path: string, ip: string): void {
    rejected.set(code, (rejected.get(code) ?? 0) + 1);
    log.debug({ code, status, path, ip }, "! refused");
  }

  const reception = createReception({
    router: createRouter(pathsOf(endpoints)),
    capacity,
    door,
    maxHeaders: config.limits.headers,
    ownPage: createOwnPages({
      routes: endpoints.map(({ path, route }) => ({ path, kind: route.kind })),
      web: config.web,
      notReady: () => (draining ? "draining" : engineProblem(engine)),
      metrics,
    }),
    files: config.web === undefined ? undefined : createStaticFiles(config.web),
    clientOf: createClientOf(config.trustProxy),
    checkHost: createHostCheck({ ...config.listen, hosts: config.hosts }),
    checkOrigin: createOriginCheck(config.origins, createSchemeOf(config.trustProxy)),
    isDraining: () => draining,
    nextId: createIds(),
    onRefused,
    log,
  });

  async function start(): Promise<void> {
    for (const { name, text } of insecure)
      log.warn({ switch: name, means: text }, "! insecure by its config");
    if (config.web !== undefined) await checkFolder(config.web);
    const { host, unix } = config.listen;
    if (unix !== undefined) await clearStale(unix);
    await engine.start?.();
    listener = createListener({
      ...config.listen,
      maxMessage: largest(endpoints.map(({ maxMessage }) => maxMessage)),
      compresses: endpoints.some((endpoint) => endpoint.compressFrom !== undefined),
      maxPings: config.limits.pings,
      maxBody: config.limits.body,
      reception,
      onGone: ({ place }) => place?.leave(),
      clock,
      log,
    });
    log.info(unix === undefined ? { host, port: listener.port } : { unix }, "listening");
    for (const { route } of endpoints) route.start?.();
  }

  async function stop(): Promise<void> {
    const { delay, window } = config.drain;
    draining = true;
    if (delay > 0) await new Promise<void>((done) => clock.after(delay, done));
    const open = [...(listener?.connections ?? [])];
    log.info({ connections: open.length }, "draining");
    await drainAll(open, window, clock);
    await Promise.all(endpoints.map(({ route }) => route.dispose()));
    for (const { heartbeat } of endpoints) heartbeat.stop();
    await listener?.stop();
    await engine.close();
    log.info({}, "stopped");
  }

  return { start, stop, port: () => listener?.port ?? config.listen.port };
}

/** What is configured for a path wins over what another route answers below its own. */
function pathsOf(endpoints: readonly Endpoint[]): (readonly [path: string, endpoint: Endpoint])[] {
  const below = endpoints.flatMap((endpoint) => {
    const base = endpoint.path.replace(/\/\*?$/, "");
    return (endpoint.route.paths ?? []).map((path) => [`${base}${path}`, endpoint] as const);
  });
  return [...below, ...endpoints.map((endpoint) => [endpoint.path, endpoint] as const)];
}

function createEngine(options: EngineOptions, clock: Clock, log: Log): Engine {
  const onError: Report = ({ error, ...where }) =>
    log.error({ ...where, err: error }, "! a callback of the engine threw");
  if (options === "memory") return createMemoryEngine({ clock, onError });
  return createSqliteEngine({ file: options.sqlite, sync: options.sync, clock, log, onError });
}

function engineProblem(engine: Engine): string | undefined {
  const { up, text } = engine.health();
  return up ? undefined : text;
}

function createEndpoint(path: string, options: RouteOptions, house: House): Endpoint {
  const { clock, node } = house;
  const counters = createRouteCounters(path, options.kind);
  const route = createRoute(path, options, counters, house);
  const { kind, v1 } = route;
  const { maxMessage, heartbeat, slow } = options;
  const told = { kind, node, heartbeat: heartbeat.ping, maxMessage };
  return {
    path,
    counters,
    route,
    heartbeat: createHeartbeat(clock, { ...heartbeat, stall: options.stallTimeout }),
    maxMessage,
    compressFrom: compressFrom(options.compression),
    session: v1 && { ...told, ...house.subscribing, v1, highWater: slow.highWater, clock },
    onOpen: options.onOpen,
    onClose: options.onClose,
  };
}

function createRoute(path: string, options: RouteOptions, counters: RouteCounters, house: House): Route {
  const { engine, log, clock, capacity, door, maxSubscriptions } = house;
  const publisher = compressing(house.publisher, compressFrom(options.compression));
  const hub = { route: path, publisher, log };
  const speaking = { presence: engine.presence, clock, maxSubscriptions };
  switch (options.kind) {
    case "echo":
      return createEcho({ options, clock });
    case "room":
      return createRoom({
        options,
        counters,
        hub,
        topics: engine.topics(path, options.history),
        ...speaking,
      });
    case "feed": {
      const topics = engine.topics(path, options.history);
      return createFeed({
        options,
        counters,
        hub,
        topics,
        door,
        ...speaking,
        source: sourceOf(options, clock),
      });
    }
    case "relay":
      return createRelay({ options, claims: engine.claims, counters, log, clock, name: path });
    case "bridge":
      return createBridge({ options, counters, capacity, clock, log, route: path });
  }
}

/** The feed's source under its topic's name; the gateway brings `stocks`, a config in TypeScript its own. */
function sourceOf({ source, interval, topic }: FeedOptions, clock: Clock) {
  if (source === undefined) return undefined;
  if (source === "stocks") return { name: "stocks", run: stocks({ interval, clock }) };
  return { name: topic ?? "feed", run: source };
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
