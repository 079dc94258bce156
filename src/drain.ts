/**
 * Leaving in order: connections are closed with 1012, in random order, spread over `window` so that they do not all come
 * back elsewhere at one moment. At least 100 closes a second, so one open tab does not hold Ctrl-C.
 * A connection that still has something waiting is closed once that has gone; at the end of the window it is terminated.
 */
import type { Clock } from "./clock.ts";

/** The part of a connection that draining needs. */
export interface Drainable {
  readonly isOpen: boolean;
  /** Tells the client, where it can be told: it is closed within so many ms, and may come back `retry` ms after that. */
  announce(within: number, retry: number): void;
  /** Closes once nothing waits for the peer any more; called again and again until then. */
  finish(): void;
  terminate(code: 1012, reason: string): void;
}

/** At least one connection is closed in each: 100 a second. */
const TICK_MS = 10;
/** Clients come back at random within so much time after their close, which was spread already. */
const RETRY_MS = 1_000;

/** Resolves when none is open any more, at the latest after `window` ms. */
export function drainAll(connections: readonly Drainable[], window: number, clock: Clock): Promise<void> {
  const queue = shuffle([...connections]);
  for (const connection of queue) connection.announce(window, Math.floor(Math.random() * RETRY_MS));
  const perTick = Math.max(1, Math.ceil(queue.length / Math.max(1, window / TICK_MS)));
  const began = clock.now();
  const deadline = began + window;
  let leaving: Drainable[] = [];
  let taken = 0;

  function step(): boolean {
    // By the time that has passed: a busy process has fewer ticks, and would have to cut off those that are left.
    const due = perTick * (1 + Math.floor((clock.now() - began) / TICK_MS));
    leaving.push(...queue.splice(0, due - taken));
    taken = due;
    for (const connection of leaving) connection.finish();
    const open = leaving.filter((connection) => connection.isOpen);
    leaving = open;
    if (queue.length === 0 && open.length === 0) return true;
    if (clock.now() < deadline) return false;
    for (const connection of [...open, ...queue]) {
      connection.terminate(1012, "service restart: what waited could not be handed over in time");
    }
    return true;
  }

  return new Promise((resolve) => {
    if (step()) return resolve();
    const timer = clock.every(TICK_MS, () => {
      if (!step()) return;
      timer.cancel();
      resolve();
    });
  });
}

/** Jitter needs no cryptographic randomness. */
function shuffle<T>(items: T[]): T[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
