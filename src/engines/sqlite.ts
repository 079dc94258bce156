/**
 * The engine with a file: positions and history of topics survive a restart and a `kill -9`. Claims and presence are this process's own.
 * A publish is delivered and answered after its commit. While the file cannot be written publishes are refused, and what was
 * accepted is delivered and can be read. What it holds in memory is bounded by the topics that somebody listens to.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Engine, EngineError } from "../engine.ts";
import type { Log } from "../log.ts";
import { createClaims } from "./in-process/claims.ts";
import { DOWN, type Report } from "./in-process/down.ts";
import { createPresence } from "./in-process/presence.ts";
import { wallClock } from "./in-process/wall-clock.ts";
import { createFileKeeper } from "./sqlite/file-keeper.ts";
import { createGroupCommit } from "./sqlite/group-commit.ts";
import type { OpenFile, openFile, Sync } from "./sqlite/open-file.ts";
import { Route } from "./sqlite/route.ts";
import type { Store } from "./sqlite/store.ts";
import { createSweeper } from "./sqlite/sweeper.ts";
import { createTopics } from "./sqlite/topics.ts";

const PRESENCE_SWEEP_MS = 10_000;

export interface SqliteEngineDeps {
  /** Its folder is made when it is not there. */
  readonly file: string;
  readonly sync: Sync;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  /** Told of each callback that threw. MUST NOT throw. */
  readonly onError: Report;
  /** For tests of a disk that fails. */
  readonly openFile?: typeof openFile;
}

export interface SqliteEngine extends Engine {
  start(): Promise<void>;
  /** Topics in memory, over all routes. */
  readonly held: number;
}

export function createSqliteEngine(deps: SqliteEngineDeps): SqliteEngine {
  const { file, clock, onError } = deps;
  const wallAt = wallClock(clock);
  const routes: Route[] = [];
  const claims = createClaims({ clock, report: onError });
  const presence = createPresence({ clock, report: onError });
  let isClosed = false;
  /** `kept` of the monotonic moment 0. */
  let keptBase = Number.NEGATIVE_INFINITY;

  const onOpen = (opened: OpenFile) => {
    // Never before what is in the file, whatever the wall clock says now.
    keptBase = Math.max(keptBase, Math.max(clock.wall(), opened.store.newest()) - clock.now());
    for (const route of routes) route.attach(opened);
  };
  const keeper = createFileKeeper({ ...deps, onOpen });
  const kept = () => Math.floor(clock.now() + keptBase);

  const refusal = (): EngineError | undefined => {
    if (isClosed) return DOWN;
    return keeper.problem === undefined ? undefined : { code: "engine_down", text: keeper.problem };
  };
  const commits = createGroupCommit({
    write: keeper.write,
    moment: () => ({ time: wallAt(clock.now()), kept: kept() }),
    refusal: () => refusal() ?? DOWN,
    isClosed: () => isClosed,
    report: onError,
  });
  const timers: Timer[] = [];

  const reading = <T>(read: (store: Store) => T): T | EngineError => {
    const { opened, problem = DOWN.text } = keeper;
    if (opened === undefined) return { code: "engine_down", text: problem };
    try {
      return read(opened.store);
    } catch (error) {
      keeper.fail(error);
      return { code: "engine_down", text: keeper.problem ?? DOWN.text };
    }
  };

  return {
    async start() {
      if (isClosed || timers.length > 0) return;
      keeper.start();
      timers.push(createSweeper({ clock, keeper, routes, kept }));
      timers.push(clock.every(PRESENCE_SWEEP_MS, presence.sweep));
    },
    topics(path, limits) {
      const route = new Route({ path, limits, clock, report: onError });
      routes.push(route);
      const opened = keeper.opened;
      if (opened !== undefined) keeper.write(() => route.attach(opened));
      return createTopics({ route, commits, refusal, reading, kept });
    },
    claims,
    presence,
    health() {
      const refused = refusal();
      return refused === undefined ? { up: true, text: `in ${file}` } : { up: false, text: refused.text };
    },
    get held() {
      return routes.reduce((sum, route) => sum + route.count, 0);
    },
    async close() {
      if (isClosed) return;
      commits.flush();
      isClosed = true;
      for (const timer of timers) timer.cancel();
      for (const route of routes) route.silence();
      for (const part of [claims, presence, keeper]) part.close();
    },
  };
}
