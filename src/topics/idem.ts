/**
 * What was published of late under which `idem`, so that a publish sent twice happens once. At most `max` entries, each for `ttl`.
 * It forgets by age and number, and knows it: an entry that may have been forgotten is GONE, never taken for a new one.
 * Generic over what is remembered: a position, or what a route answered instead of one.
 */
import type { Clock } from "../clock.ts";
import { type EngineError, IDEM_MARGIN_MS, IDEM_MAX, IDEM_TTL_MS } from "../engine.ts";

/** It was sent so long ago that it may have happened and been forgotten. */
export const GONE = Symbol("gone");

export interface IdemTable<T> {
  /** What was kept under `key`; GONE where an `age` (ms since it was first sent) says that it may have been forgotten. */
  look(key: string, age: number | undefined): T | typeof GONE | undefined;
  /** Keeps `value` in place of what was there; the time of the first stays. */
  keep(key: string, value: T): void;
  /** Nothing happened after all: the next one under `key` is new. */
  forget(key: string): void;
  readonly count: number;
}

export interface IdemBounds {
  readonly max?: number;
  /** Milliseconds. */
  readonly ttl?: number;
  /** Monotonic milliseconds from which on nothing is missing. Default: now. */
  readonly since?: number;
}

/**
 * The key of an `id`: two topics or two users never share one, whatever they are called. Half a surrogate pair would not come back
 * from a file as it was.
 */
export function idemKey(topic: string, user: string | undefined, id: string): string {
  return `${topic.length}.${user === undefined ? "-" : user.length}.${topic}${user ?? ""}${id}`.toWellFormed();
}

/** The answer to a publish that is GONE. `age` in ms. */
export const goneError = (age: number | undefined): EngineError => ({
  code: "gone",
  text: `first sent ${age ?? 0} ms ago, and what was published then is no longer known: it may or may not have happened; look it up in the history before you publish it again`,
});

interface Entry<T> {
  readonly key: string;
  value: T;
  readonly at: number;
}

/** What happened before `since` is not in it: of a publish that old, `look` says GONE. */
export function createIdemTable<T>(
  clock: Pick<Clock, "now">,
  { max = IDEM_MAX, ttl = IDEM_TTL_MS, since: begin = clock.now() }: IdemBounds = {},
): IdemTable<T> {
  const entries = new Map<string, Entry<T>>();
  // Beside the map, because a map that loses its oldest entry again and again walks over the holes.
  let order: Entry<T>[] = [];
  let oldest = 0;
  /** Everything that came after this moment is here, or past its ttl. */
  let since = begin;

  const dropOldest = (now: number) => {
    const entry = order[oldest];
    oldest += 1;
    if (entry === undefined || entries.get(entry.key) !== entry) return;
    entries.delete(entry.key);
    if (now - entry.at < ttl) since = Math.max(since, entry.at);
  };

  const isPast = (entry: Entry<T> | undefined, now: number) => entry !== undefined && now - entry.at >= ttl;

  const evict = (now: number) => {
    while (order.length - oldest > max || isPast(order[oldest], now)) dropOldest(now);
    if (oldest <= order.length / 2) return;
    order = order.slice(oldest);
    oldest = 0;
  };

  return {
    look(key, age) {
      const now = clock.now();
      const entry = entries.get(key);
      if (entry !== undefined && !isPast(entry, now)) return entry.value;
      if (age === undefined) return undefined;
      return now - age - IDEM_MARGIN_MS <= Math.max(since, now - ttl) ? GONE : undefined;
    },
    keep(key, value) {
      const now = clock.now();
      const known = entries.get(key);
      if (known !== undefined && !isPast(known, now)) {
        known.value = value;
        return;
      }
      const entry = { key, value, at: now };
      entries.set(key, entry);
      order.push(entry);
      evict(now);
    },
    forget(key) {
      entries.delete(key);
    },
    get count() {
      return entries.size;
    },
  };
}
