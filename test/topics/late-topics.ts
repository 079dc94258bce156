/**
 * The topics of an engine that is far away: each answer and each delivery comes when the test says so. A message is in the history
 * before it is delivered, and what a `history` answers may be older or newer than what was delivered when it arrives.
 * One topic, whatever its name.
 */
import type {
  Deliver,
  HistoryLimits,
  HistoryPage,
  HistoryQuery,
  Position,
  Topics,
} from "../../src/engine.ts";
import { History, pageOf } from "../../src/topics/history.ts";
import { NOBODY_ASKS } from "./fake-topics.ts";

/** Pages end early, as those of large messages do. */
const PAGE = 6;

interface Asked {
  readonly query: HistoryQuery;
  page: HistoryPage | undefined;
  answer(page: HistoryPage): void;
}

export interface LateTopics {
  readonly topics: Topics;
  readonly head: Position;
  /** Messages the history holds after this one; undefined: not all of them. */
  holdsAfter(position: Position): number | undefined;
  /** The next answer to a `subscribe`, or delivery. False: none is on its way. */
  deliverNext(): boolean;
  /** The `nth` question that waits reaches the engine, or its answer comes back. False: nobody asks. */
  answerNext(nth: number): boolean;
  /** The history is lost, and offsets begin again; at most once until nothing is on its way. */
  turnEpoch(): void;
  /** So many ms pass, and what is past its `ttl` goes. */
  age(ms: number): void;
}

export function lateTopics(limits: HistoryLimits): LateTopics {
  let epochs = 1;
  let history = new History(limits);
  let now = 0;
  let hasTurned = false;
  /** To the one subscriber, in the engine's order. */
  const onTheWay: (() => void)[] = [];
  const subscribers = new Set<Deliver>();
  const asked: Asked[] = [];
  const head = () => ({ epoch: `e${epochs}`, offset: history.head });

  const topics: Topics = {
    ...NOBODY_ASKS,
    publish(topic, { data, json, key, size = 0, conn }, done) {
      const position = { epoch: `e${epochs}`, offset: history.head + 1 };
      const message = { topic, ...position, time: 0, size, data, json, key, conn };
      history.add(message, now);
      for (const deliver of subscribers)
        onTheWay.push(() => {
          if (subscribers.has(deliver)) deliver(message);
        });
      done?.(position);
    },
    subscribe(_topic, deliver, done) {
      const position = head();
      const own: Deliver = (message) => deliver(message);
      subscribers.add(own);
      onTheWay.push(() => {
        if (subscribers.has(own)) done?.(position);
      });
      return { close: () => void subscribers.delete(own) };
    },
    history: (_topic, query) =>
      new Promise((answer) => {
        asked.push({ query, page: undefined, answer });
      }),
  };

  const pageNow = (query: HistoryQuery) =>
    pageOf(history, head().epoch, { ...query, limit: Math.min(query.limit, PAGE) });

  return {
    topics,
    get head() {
      return head();
    },
    holdsAfter(position) {
      const { complete, offset } = pageNow({ since: position, limit: 0 });
      return complete ? offset - position.offset : undefined;
    },
    deliverNext() {
      const next = onTheWay.shift();
      next?.();
      return next !== undefined;
    },
    answerNext(nth) {
      const at = nth % Math.max(1, asked.length);
      const question = asked[at];
      if (question === undefined) return false;
      if (question.page === undefined) question.page = pageNow(question.query);
      else asked.splice(at, 1)[0]?.answer(question.page);
      return true;
    },
    turnEpoch() {
      if (onTheWay.length + asked.length === 0) hasTurned = false;
      if (hasTurned) return;
      hasTurned = true;
      epochs += 1;
      history = new History(limits);
    },
    age(ms) {
      now += ms;
      history.evict(now);
    },
  };
}
