/**
 * The engine of one process: everything lives in memory and is gone when it ends. It answers at once and never fails before `close`.
 * What it holds is bounded by each topic's history; a topic without subscribers and history is forgotten at once, one whose
 * history has aged away within SWEEP_MS.
 */
import type { Clock } from "../clock.ts";
import type { Engine } from "../engine.ts";
import { createClaims } from "./in-process/claims.ts";
import { DOWN, type Report } from "./in-process/down.ts";
import { createPresence } from "./in-process/presence.ts";
import { wallClock } from "./in-process/wall-clock.ts";
import { createTopics, type MemoryTopics } from "./memory/topics.ts";

const SWEEP_MS = 10_000;

export interface MemoryEngineDeps {
  readonly clock: Clock;
  /** Told of each callback (`deliver`, `seen`, `onLost`, `changed`) that threw. MUST NOT throw. */
  readonly onError: Report;
}

/** What is held right now, over all routes. */
export interface Holding {
  readonly topics: number;
  readonly claims: number;
  /** Topics that have members. */
  readonly occupied: number;
  readonly members: number;
}

export interface MemoryEngine extends Engine {
  holding(): Holding;
}

export function createMemoryEngine({ clock, onError }: MemoryEngineDeps): MemoryEngine {
  const wallAt = wallClock(clock);
  const routes: MemoryTopics[] = [];
  const claims = createClaims({ clock, report: onError });
  const presence = createPresence({ clock, report: onError });
  let isClosed = false;

  const sweeper = clock.every(SWEEP_MS, () => {
    for (const topics of routes) topics.sweep();
    presence.sweep();
  });

  return {
    topics(route, limits) {
      const topics = createTopics({ clock, route, limits, wallAt, report: onError });
      if (isClosed) topics.close();
      routes.push(topics);
      return topics;
    },
    claims,
    presence,
    health: () => (isClosed ? { up: false, text: DOWN.text } : { up: true, text: "in this process" }),
    holding: () => ({
      topics: routes.reduce((sum, topics) => sum + topics.count, 0),
      claims: claims.count,
      occupied: presence.occupied,
      members: presence.count,
    }),
    async close() {
      isClosed = true;
      sweeper.cancel();
      for (const part of [...routes, claims, presence]) part.close();
    },
  };
}
