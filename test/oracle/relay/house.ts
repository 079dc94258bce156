/** A relay that lives several lives, in this process and on a clock that stands still: the real route and sessions, on a network of the test's own. */

import { type RelayOptions, relayOptions } from "../../../src/config/kinds/relay.ts";
import type { CloseInfo, Connection } from "../../../src/connection.ts";
import { createClaims } from "../../../src/engines/in-process/claims.ts";
import { createRouteCounters, type RouteCounters } from "../../../src/metrics.ts";
import type { Route } from "../../../src/route.ts";
import { createRelay } from "../../../src/routes/relay.ts";
import { type TestClock, testClock } from "../../clock.ts";
import { memoryLog } from "../../gateway.ts";
import { hooksOf } from "./hooks.ts";
import { createLine, type Line, type Served, type Server } from "./net.ts";

export interface RelayHouse {
  readonly clock: TestClock;
  line(name: string): Line;
  /** Everything that is due to happen without anybody doing anything has happened. */
  settle(): Promise<void>;
  /** `isGraceful`: as a gateway that drains; else as one that is killed. */
  restart(isGraceful: boolean): Promise<void>;
  isConnected(line: string | undefined): boolean;
  /** Sessions whose client is away. */
  away(): number;
  /** Messages that were not handed over. */
  queued(): number;
  /** What is missing from due = delivered + dropped + queued. */
  unaccounted(): number;
  end(): Promise<void>;
}

interface Life {
  readonly route: Route;
  readonly counters: RouteCounters;
  /** With the names of their lines. */
  readonly open: Map<Connection, string>;
}

const NAME = "/relay";
/** Of the event loop: what is gathered in one turn is handed over in the next. */
const TURNS = 3;

/** What is seen of the server's side. */
export interface Seen {
  sent: Server["sent"];
  closed(info: CloseInfo): void;
}

export function openHouse(input: Partial<RelayOptions>, { sent, closed }: Seen): RelayHouse {
  const clock = testClock();
  const log = memoryLog();
  const options = relayOptions.parse({ kind: "relay", ...input });
  let life = begin();

  function begin(): Life {
    const counters = createRouteCounters(NAME, "relay");
    const claims = createClaims({ clock, report: ({ error }) => log.error({ error }, "onLost threw") });
    const route = createRelay({ options, claims, counters, log, clock, name: NAME });
    route.start?.();
    return { route, counters, open: new Map() };
  }

  function serve(connection: Connection, protocols: readonly string[], line: string) {
    const { route, open } = life;
    open.set(connection, line);
    const hooks = hooksOf(route, connection, protocols, { highWater: options.slow.highWater, clock });
    const served: Served = {
      ...hooks,
      close(info) {
        open.delete(connection);
        closed(info);
        route.close(connection, info);
      },
    };
    return { served, protocol: protocols[0] ?? "" };
  }

  async function settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn += 1) await new Promise<void>((done) => setImmediate(done));
    const errors = log.lines.filter(({ level }) => level === "error");
    if (errors.length > 0) throw new Error(JSON.stringify(errors));
  }

  async function stop(isGraceful: boolean): Promise<void> {
    const { route, open } = life;
    for (const connection of [...open.keys()]) {
      if (isGraceful) route.finish?.(connection, 1012, "the gateway restarts");
      else connection.terminate(1006, "");
    }
    await settle();
    for (const connection of [...open.keys()]) connection.terminate(1012, "");
    await route.dispose();
  }

  return {
    clock,
    line: (name) => createLine(name, () => ({ serve, sent })),
    settle,
    async restart(isGraceful) {
      await stop(isGraceful);
      life = begin();
    },
    isConnected: (line) => [...life.open.values()].some((name) => name === line),
    away: () => life.route.stats()["away"] ?? 0,
    queued: () => life.route.stats()["queued"] ?? 0,
    unaccounted() {
      const { due, delivered, dropped } = life.counters;
      const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
      return due - delivered - lost - (life.route.stats()["queued"] ?? 0);
    },
    end: () => stop(false),
  };
}
