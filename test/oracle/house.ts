/**
 * A server that lives several lives, and readers that come back to it: a real route with a real engine behind links of the test's own.
 * Everything happens in this process and in the order of the steps, so a sequence that fails fails again.
 */

import { feedOptions } from "../../src/config/kinds/feed.ts";
import { roomOptions } from "../../src/config/kinds/room.ts";
import type { Connection } from "../../src/connection.ts";
import type { Engine } from "../../src/engine.ts";
import { createCapacity } from "../../src/limits.ts";
import { createRouteCounters, type RouteCounters } from "../../src/metrics.ts";
import type { AdmitRequest, Route } from "../../src/route.ts";
import { createFeed } from "../../src/routes/feed.ts";
import { createRoom } from "../../src/routes/room.ts";
import { Session } from "../../src/session.ts";
import { PROTOCOL } from "../../src/wire/v1.ts";
import { type TestClock, testClock } from "../clock.ts";
import { testDoor } from "../door.ts";
import { memoryLog } from "../gateway.ts";
import { OPEN_REQUEST, openHost } from "../open-access.ts";
import { createTruthLog, type TruthLog } from "./log.ts";
import { createWires, type Link, type Peer, type Served } from "./wire.ts";

export interface Kind {
  readonly kind: "room" | "feed";
  readonly policy: "close" | "drop-oldest" | "latest";
}

export interface OracleHouse {
  readonly clock: TestClock;
  readonly log: TruthLog;
  readonly life: () => Life;
  /** Everything that is due to happen without anybody doing anything has happened. */
  settle(): Promise<void>;
  /** Cuts all links, stops, and starts again. */
  restart(): Promise<void>;
  connect(topic: string, query: string | undefined, peer: Peer): Link;
  /** What is missing from due = delivered + dropped + queued. */
  unaccounted(): number;
  end(): Promise<void>;
}

interface Life {
  readonly route: Route;
  readonly engine: Engine;
  readonly counters: RouteCounters;
  readonly wires: ReturnType<typeof createWires>;
  readonly links: Link[];
}

/** Small, so that short sequences reach every bound. */
const HISTORY = { size: 8, ttl: 60_000, bytes: 0 };
export const MARK = 1_000;
/** Of the event loop: enough for a commit, its deliveries, and pages of history between them. */
const TURNS = 6;

/** Called for each life. */
export type StartEngine = (clock: TestClock) => Engine | Promise<Engine>;

export async function openHouse(kind: Kind, startEngine: StartEngine): Promise<OracleHouse> {
  const clock = testClock();
  const log = createTruthLog();
  const notes = memoryLog();
  let life = await begin();

  async function begin(): Promise<Life> {
    const engine = await startEngine(clock);
    const counters = createRouteCounters("/r/:topic", kind.kind);
    const wires = createWires();
    const topics = log.over(engine.topics("/r/:topic", HISTORY));
    const hub = { route: "/r/:topic", publisher: wires.publisher, log: notes };
    const common = { topics, presence: engine.presence, counters, hub, clock, maxSubscriptions: 0 };
    const slow = { policy: kind.policy, highWater: MARK };
    const route =
      kind.kind === "room"
        ? createRoom({ ...common, options: roomOptions.parse({ kind: "room", slow }) })
        : createFeed({
            ...common,
            options: feedOptions.parse({ kind: "feed", publish: true, welcome: false, slow }),
            door: testDoor(createCapacity(0)),
          });
    return { route, engine, counters, wires, links: [] };
  }

  async function settle(): Promise<void> {
    for (let i = 0; i < TURNS; i += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    const errors = notes.lines.filter(({ level }) => level === "error");
    if (errors.length > 0)
      throw new Error(JSON.stringify(errors, (_, value) => (value instanceof Error ? String(value) : value)));
  }

  async function stop(): Promise<void> {
    for (const link of life.links) link.cut();
    await settle();
    await life.route.dispose();
    await life.engine.close();
  }

  return {
    clock,
    log,
    life: () => life,
    settle,
    async restart() {
      await stop();
      life = await begin();
    },
    connect(topic, query, peer) {
      const { route, wires, links } = life;
      const link = wires.link({ topic }, peer);
      links.push(link);
      link.serve(open(route, link.connection, query, clock));
      return link;
    },
    unaccounted() {
      const { due, delivered, dropped } = life.counters;
      const queued = life.route.stats()["queued"] ?? 0;
      return due - delivered - dropped.slow - dropped.conflated - dropped.closed - queued;
    },
    end: stop,
  };
}

/** As the listener opens a connection; with a query it speaks fairlead.v1. */
function open(route: Route, connection: Connection, query: string | undefined, clock: TestClock): Served {
  if (query === undefined) {
    route.open(connection);
    return {
      message: (text) => route.message(connection, text, Buffer.byteLength(text)),
      drain: () => route.drain(connection),
      close: (info) => route.close(connection, info),
    };
  }
  const admission = route.admit?.(requestOf(connection, query));
  if (admission === undefined || !("admitted" in admission)) throw new Error("not admitted");
  connection.state = admission.admitted.state;
  const { v1, kind } = route;
  if (v1 === undefined) throw new Error("no fairlead.v1 here");
  const limits = { maxMessage: 0, highWater: MARK, subscribes: 0, burst: 0, deadline: 0 };
  const told = { v1, kind, node: "oracle", heartbeat: 0, ...limits, clock };
  const session = new Session(
    connection,
    told,
    openHost((_, error) => {
      throw error;
    }),
  );
  session.open();
  return {
    message: (text) => session.message(text, Buffer.byteLength(text)),
    drain() {
      route.drain(connection);
      session.drained();
    },
    close: (info) => route.close(connection, info),
  };
}

function requestOf({ params, remoteAddress }: Connection, query: string): AdmitRequest {
  return {
    path: "/",
    params,
    remoteAddress,
    remotePort: 4000,
    local: { address: "127.0.0.1", port: 8080 },
    ...OPEN_REQUEST,
    query: new URLSearchParams(query),
    headers: new Headers(),
    protocols: [PROTOCOL],
    signal: new AbortController().signal,
  };
}
