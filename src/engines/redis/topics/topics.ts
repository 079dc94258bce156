/**
 * The topics of one route on Redis, as this node has them: readers of those that somebody listens to here, publishes on their way, and
 * who watches for topics that begin.
 *
 * Limits: `pending` publishes of a topic. Failure: while Redis is away publishes, new subscriptions and history are refused; readers stay,
 * and when it is back each is looked at: what came meanwhile is delivered, or told as skipped.
 */
import type { HistoryLimits, Topics } from "../../../engine.ts";
import { isEngineDown } from "../../../errors.ts";
import { pageOf } from "../../../topics/history.ts";
import { matcher } from "../../../wire/topic.ts";
import { downError as closedError, DOWN, type Report } from "../../in-process/down.ts";
import { downError } from "../down.ts";
import type { Homes } from "../homes.ts";
import type { Arg } from "../server.ts";
import { createNews } from "./news.ts";
import { createPublisher } from "./publisher.ts";
import type { Traffic } from "./reader.ts";
import { createReaders } from "./readers.ts";
import { createStore, type Found } from "./store.ts";

export interface RedisTopics extends Topics {
  /** Topics that somebody listens to here. */
  readonly count: number;
  /** Looks whether anything was lost on the way, and says that somebody listens. */
  check(): Promise<void>;
  /** Redis is up again: nothing is known of what was told meanwhile. */
  again(): void;
  /** One step of a walk that nodes share. True: there is more to do at once. */
  sweep(): Promise<boolean>;
  close(): void;
}

export interface TopicsDeps {
  readonly homes: Homes;
  readonly route: string;
  readonly limits: HistoryLimits;
  readonly pending: number;
  readonly report: Report;
  readonly traffic: Traffic;
}

/** A walk is not begun again before. */
const SWEEP_PAUSE_MS = 10_000;

export function createTopics({ homes, route, limits, pending, report, traffic }: TopicsDeps): RedisTopics {
  const store = createStore(homes, route, limits);
  const readers = createReaders({ homes, store, route, report, traffic });
  let isClosed = false;
  const news = createNews({ store, route, report, isOpen: () => !isClosed });
  const publisher = createPublisher({ send, pending, route, report });

  /** Who listened before it was published is to hear it. */
  function send(topic: string, messages: readonly Arg[]): Promise<unknown> {
    const opening = [readers.opening(topic), news.opening].filter((one) => one !== undefined);
    if (opening.length === 0) return store.publish(topic, messages);
    return Promise.all(opening).then(() => store.publish(topic, messages));
  }

  return {
    publish: publisher.publish,
    subscribe(topic, deliver, done, skip) {
      if (isClosed) {
        done?.(DOWN);
        return { close() {} };
      }
      const subscriber = { deliver, skip, done, from: Number.MAX_SAFE_INTEGER };
      return readers.join(topic, subscriber, news.began(topic));
    },
    async history(topic, query) {
      if (isClosed) throw closedError();
      const { epoch, ...held } = await answered(store.page(topic, query));
      return pageOf(held, epoch, query);
    },
    async find(pattern, limit) {
      if (isClosed) throw closedError();
      await answered(news.ready());
      const matches = matcher(pattern);
      const found = new Map<string, Found>();
      for (const home of store.homes) {
        for await (const each of news.all(home, globOf(pattern))) {
          if (found.size >= limit) break;
          if (matches(each.topic)) found.set(each.topic, each);
        }
      }
      return [...found.values()];
    },
    watch: (seen) => (isClosed ? { close() {} } : news.watch(seen)),
    get count() {
      return readers.count;
    },
    check: () => readers.check(),
    again() {
      // It may go again: then this is done again.
      readers.check().catch(() => {});
      news.again();
    },
    async sweep() {
      // What fails because a server is away is done the next time.
      const steps = store.homes.map((home) => store.sweep(home, SWEEP_PAUSE_MS).catch(() => false));
      return (await Promise.all(steps)).includes(true);
    },
    close() {
      isClosed = true;
      publisher.close(DOWN);
      readers.close(DOWN);
      news.close();
    },
  };
}

/** What is no answer of Redis is not told to clients. */
async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw isEngineDown(error) ? error : downError("the engine is not available; try again later", error);
  }
}

/** Names that may match: the pattern's beginning as it stands, then anything. */
function globOf(pattern: string): string {
  const fixed = pattern.slice(0, pattern.search(/[*>]|$/));
  return `${fixed.replace(/[\\*?[\]^]/g, "\\$&")}*`;
}
