/** One subscription as its two sides see it: the caller reads it, the session keeps the server told of it. */
import { isPattern, matcher } from "../wire/topic.ts";
import { MAX_SINCE_TOPICS } from "../wire/v1.ts";
import { FairleadClientError } from "./errors.ts";
import type { Item, Position } from "./items.ts";
import { createReader, type Reader } from "./reader.ts";

export interface SubscribeOptions {
  /** Where to go on: a position, for a pattern one for each topic. */
  readonly since?: Position | Readonly<Record<string, Position>> | undefined;
  /** So many of the last messages first; beside `since` only where that cannot be recovered. */
  readonly last?: number | undefined;
  /** Items tell who comes and goes. @default false */
  readonly presence?: boolean | undefined;
  /** Ends the subscription, as `close` does. */
  readonly signal?: AbortSignal | undefined;
}

/** Read it once: with `for await`, or with `listen`. */
export interface Subscription extends AsyncIterable<Item, undefined> {
  /** As the server calls it; undefined for the path's topic until that is known. */
  readonly topic: string | undefined;
  /** Resolves when the server has answered, rejects when it refuses. */
  readonly ready: Promise<void>;
  /** Calls for each item. Resolves at the end, rejects where `for await` throws. */
  listen(listener: (item: Item) => void): Promise<void>;
  close(): void;
}

export interface Held {
  /** What the caller named, "" for the path's topic. */
  readonly key: string;
  /** What the server calls it; undefined until that is known. */
  name: string | undefined;
  readonly options: SubscribeOptions;
  readonly reader: Reader;
  /** Its inbox is full: the server was told to stop. */
  paused: boolean;
  /** When the server is asked again. */
  retry?: { cancel(): void };
  readonly subscription: Subscription;
  readonly matches: (topic: string) => boolean;
  answered(): void;
  ended(error?: FairleadClientError): void;
}

interface HeldEnds {
  full(): void;
  drained(): void;
  left(): void;
}

export function createHeld(
  key: string,
  name: string | undefined,
  given: Map<string, Position>,
  options: SubscribeOptions,
  ends: HeldEnds,
): Held {
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {}); // who does not wait for it hears the same from the items
  const reader = createReader(options.presence === true, given, ends);
  const { inbox } = reader;
  const { signal } = options;
  const matches = matcher(key);
  signal?.addEventListener("abort", inbox.leave);
  const held: Held = {
    key,
    name,
    options,
    reader,
    paused: false,
    matches: key === "" ? (topic) => topic === held.name : matches,
    answered() {
      reader.live = reader.began = true;
      ready.resolve();
    },
    ended(error) {
      signal?.removeEventListener("abort", inbox.leave);
      held.retry?.cancel();
      ready.reject(error ?? new FairleadClientError("closed", "closed before an answer"));
      inbox.end(error);
    },
    subscription: {
      get topic() {
        return held.name;
      },
      ready: ready.promise,
      listen: inbox.listen,
      close: inbox.leave,
      [Symbol.asyncIterator]: inbox.iterate,
    },
  };
  return held;
}

/** Where its `sub` goes on. A topic's stream on a connection is one, so it goes on from the lowest that any of `all` stands at. */
export function sinceOf({ name = "", reader }: Held, all: readonly Held[]): unknown {
  const lowest = (topic: string, { epoch, offset: own }: Position): Position => {
    let offset = own;
    for (const { matches, reader } of all) {
      const at = matches(topic) ? reader.had.get(topic) : undefined;
      if (at?.epoch === epoch) offset = Math.min(offset, at.offset);
    }
    return { epoch, offset };
  };
  const { had, began } = reader;
  if (isPattern(name)) {
    // Who holds more sends none, and is told of each that went on without it.
    if (!began || had.size > MAX_SINCE_TOPICS) return undefined;
    return Object.fromEntries([...had].map(([topic, at]) => [topic, lowest(topic, at)]));
  }
  // Before the first welcome nobody knows what the path's topic is called; it has one position at most.
  const [[topic, at] = []] = had;
  return topic === undefined || at === undefined ? undefined : lowest(topic, at);
}

/** Those that go on come first; those that cannot say from where, when the others have begun their streams. */
export function order({ reader: { began, had } }: Held): number {
  return began ? Number(had.size > MAX_SINCE_TOPICS) : 2;
}
