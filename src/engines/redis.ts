/**
 * The engine of several nodes: topics, claims and presence live in Redis (or Valkey), so whatever node a client is on, it meets the same.
 *
 * Offsets are given by Redis, one script for each publish, so they grow by 1 whoever publishes. Delivery is pub/sub, which may lose; each
 * node sees a hole and fills it from the history before it goes on. Data that Redis lost is a new epoch, and said to be.
 * Failure: while Redis is away calls are refused within `timeout`, nothing waits without a bound, and who listens goes on to listen.
 */
import type { Clock, Timer } from "../clock.ts";
import type { RedisOptions } from "../config/engine.ts";
import type { Engine } from "../engine.ts";
import type { Log } from "../log.ts";
import { DOWN, type Report } from "./in-process/down.ts";
import { createClaims } from "./redis/claims.ts";
import { createCluster } from "./redis/cluster.ts";
import { createHomes } from "./redis/homes.ts";
import { createPresence } from "./redis/presence.ts";
import { createRelays } from "./redis/relays.ts";
import { createRevocations } from "./redis/revocations.ts";
import type { Traffic } from "./redis/topics/reader.ts";
import { createTopics, type RedisTopics } from "./redis/topics/topics.ts";

/** The loss of a topic's last message is found by then. */
const CHECK_MS = 10_000;
/** A walk over topics that nobody needs is taken up so often, and goes on at once while there is more. */
const SWEEP_MS = 10_000;

export interface RedisEngineDeps {
  readonly options: RedisOptions;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn">;
  /** Told of each callback that threw. MUST NOT throw. */
  readonly onError: Report;
  /** For tests that move the clock: it is right, whatever Redis says. */
  readonly trustsClock?: boolean;
}

export interface RedisEngine extends Engine {
  start(): Promise<void>;
  /** Looks at every topic that is listened to, as it does by itself now and then. */
  check(): Promise<void>;
  /** Walks over all topics. */
  sweep(): Promise<void>;
}

export function createRedisEngine(deps: RedisEngineDeps): RedisEngine {
  const { options, clock, onError } = deps;
  const { lease } = options;
  const onThrow = (name: string, error: unknown) => onError({ stage: "deliver", name, error });
  const homes = createHomes({ ...deps, onThrow });
  const traffic: Traffic = { holes: 0, lost: 0, lag: 0 };
  const routes: RedisTopics[] = [];
  const cluster = createCluster({ homes, clock, lease, report: onError });
  const revocations = createRevocations({ homes, clock, lease, report: onError });
  const relays = createRelays({ homes, self: cluster.self, clock, lease, report: onError });
  const claims = createClaims({ homes, clock, lease, node: cluster.self, report: onError });
  const presence = createPresence({ homes, clock, lease, node: cluster.self, report: onError });
  const timers: Timer[] = [];
  let isClosed = false;

  homes.onUp(() => {
    for (const topics of routes) topics.again();
  });

  const check = async () => {
    await Promise.all(routes.map((topics) => topics.check()));
  };

  async function sweep(): Promise<void> {
    for (const topics of routes) while (!isClosed && (await topics.sweep())) {}
  }

  /** What fails because Redis is away is done the next time. */
  const regularly = (ms: number, run: () => Promise<void>) => {
    let isRunning = false;
    const timer = clock.every(ms, () => {
      if (isRunning) return;
      isRunning = true;
      run()
        .catch(() => {})
        .finally(() => {
          isRunning = false;
        });
    });
    timers.push(timer);
  };

  return {
    async start() {
      if (isClosed || timers.length > 0) return;
      await homes.start();
      regularly(CHECK_MS, check);
      regularly(SWEEP_MS, sweep);
    },
    topics(route, limits) {
      const topics = createTopics({
        ...deps,
        homes,
        route,
        limits,
        pending: options.pending,
        report: onError,
        traffic,
      });
      if (isClosed) topics.close();
      routes.push(topics);
      return topics;
    },
    claims,
    presence,
    relays,
    cluster,
    revocations,
    health() {
      if (isClosed) return { up: false, text: DOWN.text };
      const { problem } = homes;
      // Without `strict`: echo and bridges do not need it, and readers stay.
      return { up: problem === undefined, serves: !options.strict, text: problem ?? "on Redis" };
    },
    traffic,
    check,
    sweep,
    async close() {
      if (isClosed) return;
      isClosed = true;
      for (const timer of timers) timer.cancel();
      for (const part of [...routes, revocations]) part.close();
      await Promise.all([claims.close(), presence.close(), cluster.close()]);
      homes.close();
    },
  };
}
