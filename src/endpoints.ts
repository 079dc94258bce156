/**
 * A route of each kind as the config wants it, with everything that the gateway keeps for it: who comes in, what it counts, when its
 * peers are gone. With `gateway.ts` the only file that knows all kinds.
 */
import { createAccess } from "./access.ts";
import type { Validity } from "./auth/validity.ts";
import type { Clock } from "./clock.ts";
import { compressFrom, compressing } from "./compression.ts";
import type { FeedOptions } from "./config/kinds/feed.ts";
import type { RouteOptions } from "./config/schema.ts";
import type { Publisher } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Engine } from "./engine.ts";
import { createHeartbeat } from "./heartbeat.ts";
import type { Authenticator, Rights } from "./identity.ts";
import type { Door } from "./limits/door.ts";
import type { Capacity } from "./limits.ts";
import type { Log } from "./log.ts";
import { createRouteCounters, type RouteCounters } from "./metrics.ts";
import { createAuthGate } from "./reception/auth-gate.ts";
import type { Route } from "./route.ts";
import { createBridge } from "./routes/bridge.ts";
import { createEcho } from "./routes/echo.ts";
import { createFeed } from "./routes/feed.ts";
import { createRelay } from "./routes/relay.ts";
import { createRoom } from "./routes/room.ts";
import type { SessionOptions } from "./session.ts";
import { inTurn } from "./source-turn.ts";
import { stocks } from "./sources/stocks.ts";

/** What every route may need of the house. */
export interface House {
  readonly node: string;
  /** Subscriptions that a connection may have. */
  readonly maxSubscriptions: number;
  /** How fast it may ask for them. */
  readonly speaking: Pick<SessionOptions, "subscribes" | "burst" | "deadline">;
  readonly clock: Clock;
  readonly log: Log;
  readonly engine: Engine;
  readonly capacity: Capacity;
  readonly door: Door;
  readonly publisher: Publisher;
  /** Undefined: nobody is asked who it is. */
  readonly authenticator: Authenticator | undefined;
  readonly validity: Validity;
}

export function createEndpoint(path: string, options: RouteOptions, house: House): Endpoint {
  const { clock, node, validity, authenticator } = house;
  const counters = createRouteCounters(path, options.kind);
  const route = createRoute(path, options, counters, house);
  const { kind, v1 } = route;
  const { maxMessage, heartbeat, slow } = options;
  const told = { kind, node, heartbeat: heartbeat.ping, maxMessage };
  const mode = options.auth ?? (authenticator === undefined ? "none" : "required");
  const { access: rules, anonymous } = options;
  const access = createAccess({ route: path, access: rules, anonymous, byDefault: rightsOf(options) });
  return {
    path,
    counters,
    route,
    auth: createAuthGate({ mode, authenticator, access }),
    validity,
    heartbeat: createHeartbeat(clock, { ...heartbeat, stall: options.stallTimeout }),
    maxMessage,
    compressFrom: compressFrom(options.compression),
    session: v1 && { ...told, ...house.speaking, v1, highWater: slow.highWater, clock },
    onOpen: options.onOpen,
    onClose: options.onClose,
  };
}

/** What anybody may do of whom neither a token nor the route's `access` says anything. */
function rightsOf(options: RouteOptions): Rights {
  const reading = { subscribe: true, presence: true, history: true } as const;
  if (options.kind === "feed" && !options.publish) return reading;
  return { ...reading, publish: true, "join:center": true, "join:local": true, connect: true };
}

function createRoute(path: string, options: RouteOptions, counters: RouteCounters, house: House): Route {
  const { engine, log, clock, capacity, door, maxSubscriptions } = house;
  const { cluster } = engine;
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
        source: sourceOf(path, options, house),
      });
    }
    case "relay":
      return createRelay({
        options,
        claims: engine.claims,
        cluster,
        relays: engine.relays,
        counters,
        log,
        clock,
        name: path,
      });
    case "bridge":
      return createBridge({ options, counters, capacity, clock, cluster, log, route: path });
  }
}

/** The feed's source under its topic's name; the gateway brings `stocks`, a config in TypeScript its own. Of several nodes one runs it. */
function sourceOf(route: string, { source, interval, topic }: FeedOptions, { engine, clock, log }: House) {
  if (source === undefined) return undefined;
  const found =
    source === "stocks"
      ? { name: "stocks", run: stocks({ interval, clock }) }
      : { name: topic ?? "feed", run: source };
  const { claims, cluster } = engine;
  if (cluster === undefined) return found;
  return { ...found, run: inTurn({ source: found.run, claims, cluster, clock, log, route }) };
}

/** What is configured for a path wins over what another route answers below its own. */
export function pathsOf(endpoints: readonly Endpoint[]): (readonly [path: string, endpoint: Endpoint])[] {
  const below = endpoints.flatMap((endpoint) => {
    const base = endpoint.path.replace(/\/\*?$/, "");
    return (endpoint.route.paths ?? []).map((path) => [`${base}${path}`, endpoint] as const);
  });
  return [...below, ...endpoints.map((endpoint) => [endpoint.path, endpoint] as const)];
}
