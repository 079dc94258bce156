/** A route of the test's own making behind the real listener and reception: for hooks that throw, admit, or wait. */

import { onTestFinished } from "bun:test";
import type { Clock } from "../src/clock.ts";
import type { Endpoint } from "../src/endpoint.ts";
import { createHeartbeat } from "../src/heartbeat.ts";
import { createPacing, type PaceLimits } from "../src/limits/pace.ts";
import { type Capacity, createCapacity } from "../src/limits.ts";
import { createListener, type Listener } from "../src/listener.ts";
import { createRouteCounters } from "../src/metrics.ts";
import { createHandshake } from "../src/reception/handshake.ts";
import { createRouter } from "../src/reception/router.ts";
import { createReception } from "../src/reception.ts";
import type { Route } from "../src/route.ts";
import { testClock } from "./clock.ts";
import { testDoor } from "./door.ts";
import { type LogLine, memoryLog } from "./gateway.ts";
import { OPEN_GATE } from "./open-access.ts";

export interface ServedRoute {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly listener: Listener;
  readonly endpoint: Endpoint;
  readonly capacity: Capacity;
  readonly lines: readonly LogLine[];
  /** Codes of what was refused, in order. */
  readonly refused: readonly string[];
}

export interface ServeOptions {
  /** Default: 0, no cap. */
  readonly connections?: number;
  readonly clock?: Clock;
  /** On its clock; default: none. */
  readonly pace?: PaceLimits;
  readonly isDraining?: () => boolean;
  readonly endpoint?: Partial<
    Pick<Endpoint, "onOpen" | "onClose" | "maxMessage" | "heartbeat" | "auth" | "validity" | "session">
  >;
}

/** Serves one route on `/x/:name`, as an echo unless `hooks` say otherwise. Call it inside a test. */
export function serveRoute(hooks: Partial<Route> = {}, options: ServeOptions = {}): ServedRoute {
  const log = memoryLog(true);
  const refused: string[] = [];
  const capacity = createCapacity(options.connections ?? 0);
  const door = testDoor(capacity);
  const clock = options.clock ?? testClock();
  const endpoint = createEndpoint(hooks, options.endpoint);
  const isDraining = options.isDraining ?? (() => false);
  let ids = 0;
  const reception = createReception({
    router: createRouter([["/x/:name", endpoint]]),
    capacity,
    maxHeaders: 0,
    ownPage: () => undefined,
    api: async () => new Response("no API here"),
    clientOf: (peer) => peer,
    checkHost: () => undefined,
    checkOrigin: () => ({}),
    isDraining,
    handshake: createHandshake({
      door,
      isDraining,
      nextId: () => `c${++ids}`,
      log,
      refusesByClose: true,
    }),
    validity: endpoint.validity,
    onRefused: ({ code }) => refused.push(code),
  });
  const listener = createListener({
    host: "127.0.0.1",
    port: 0,
    maxMessage: 1024,
    maxPings: 60,
    maxBody: 1024,
    reception,
    onGone: ({ place }) => place?.leave(),
    clock,
    pacing: createPacing(options.pace ?? { messages: 0, bytes: 0 }, clock),
    log,
  });
  onTestFinished(() => {
    for (const connection of listener.connections) connection.terminate(1012, "the test is over");
    return listener.stop();
  });
  return { host: `127.0.0.1:${listener.port}`, listener, endpoint, capacity, lines: log.lines, refused };
}

function createEndpoint(hooks: Partial<Route>, changes: ServeOptions["endpoint"]): Endpoint {
  const route: Route = {
    kind: "echo",
    open() {},
    message: (connection, data) => void connection.send(data),
    drain() {},
    close() {},
    stats: () => ({}),
    async dispose() {},
    ...hooks,
  };
  return {
    path: "/x/:name",
    route,
    ...OPEN_GATE,
    counters: createRouteCounters("/x/:name", "echo"),
    heartbeat: createHeartbeat(testClock(), { ping: 0, pong: 0, stall: 0 }),
    maxMessage: 1024,
    ...changes,
  };
}
