/**
 * The topics of one route in this process: publish gives an offset, appends to the history and delivers, all before it returns.
 * This is the path of every message: no allocation but the message, no closure, one look at the clock.
 * A `deliver` that publishes to its own topic is answered at once, and its message is delivered after the one under way; at most
 * MAX_NESTED of them, then `engine_down`, so callbacks that answer each other end.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../clock.ts";
import type {
  Deliver,
  EngineError,
  HistoryLimits,
  HistoryPage,
  HistoryQuery,
  Message,
  OutMessage,
  Position,
  Published,
  Subscription,
  Topics,
} from "../../engine.ts";
import { byteLength } from "../../limits.ts";
import { History, type HistoryBudget, pageOf } from "../../topics/history.ts";
import { createIdemTable, GONE, goneError, idemKey } from "../../topics/idem.ts";
import { matcher } from "../../wire/topic.ts";
import { DOWN, downError, type Report } from "../in-process/down.ts";
import { hand, type OnThrow, type Subscriber, type Subscribers, silence } from "../in-process/subscribers.ts";
import { createWatchers, type Watchers } from "../in-process/watchers.ts";

const MAX_NESTED = 1000;

interface Topic {
  readonly name: string;
  readonly epoch: string;
  readonly history: History;
  subscribers: Subscribers;
  /** Its first message is not delivered yet: who subscribes now gets that, too. */
  announcing: boolean;
  delivering: boolean;
  /** Published from inside a delivery, not delivered yet. */
  readonly nested: Message[];
}

export interface MemoryTopics extends Topics {
  readonly count: number;
  /** Gives back the memory of messages past their ttl and of topics that nobody needs. */
  sweep(): void;
  close(): void;
}

export interface TopicsDeps {
  readonly clock: Clock;
  readonly route: string;
  readonly limits: HistoryLimits;
  /** Unix milliseconds of a monotonic moment. */
  readonly wallAt: (now: number) => number;
  readonly report: Report;
}

export function createTopics({ clock, route, limits, wallAt, report }: TopicsDeps): MemoryTopics {
  const topics = new Map<string, Topic>();
  const idems = createIdemTable<Position>(clock);
  const budget: HistoryBudget = { used: 0 };
  const watchers = createWatchers(route, report);
  // Topics that were never published to may share an epoch: nobody can hold an offset of them but 0.
  let unused: string | undefined;
  let closed = false;

  const freshEpoch = () => {
    unused ??= randomBytes(12).toString("base64url");
    return unused;
  };

  const open = (name: string): Topic => {
    const topic = newTopic(name, freshEpoch(), new History(limits, budget));
    topics.set(name, topic);
    return topic;
  };

  /** A topic that had messages takes its epoch along: were it to come back in it, old offsets would name new messages. */
  const forgetIfIdle = (topic: Topic) => {
    if (topic.delivering || topic.subscribers.length > 0 || topic.history.count > 0) return;
    topics.delete(topic.name);
    if (topic.history.head > 0) unused = undefined;
  };

  const onThrow: OnThrow = ({ topic: name }, error) => report({ stage: "deliver", route, name, error });

  const publish: Topics["publish"] = (name, message, done, idem) => {
    if (closed) return done?.(DOWN);
    if (idem === undefined) return add(name, message, done);
    const key = idemKey(name, message.user, idem.id);
    const known = idems.look(key, idem.age);
    if (known === undefined) add(name, message, done, key);
    else done?.(known === GONE ? goneError(idem.age) : known);
  };

  const add = (name: string, message: OutMessage, done?: Published, key?: string) => {
    const topic = topics.get(name) ?? open(name);
    if (topic.nested.length === MAX_NESTED) return done?.(tooManyNested(name));
    const now = clock.now();
    const entry = place(topic, message, wallAt(now));
    topic.history.add(entry, now);
    // Before the delivery: a callback may publish the same again.
    if (key !== undefined) idems.keep(key, { epoch: entry.epoch, offset: entry.offset });
    if (topic.delivering) topic.nested.push(entry);
    else {
      if (entry.offset === 1 && watchers.count > 0) announce(topic, watchers);
      deliverAll(topic, entry, onThrow);
      forgetIfIdle(topic);
    }
    done?.(entry);
  };

  const subscribe = (name: string, deliver: Deliver, done?: Published): Subscription => {
    if (closed) {
      done?.(DOWN);
      return { close() {} };
    }
    const topic = topics.get(name) ?? open(name);
    const subscriber: Subscriber = { deliver, from: topic.announcing ? 0 : topic.history.head };
    topic.subscribers = [...topic.subscribers, subscriber];
    done?.({ epoch: topic.epoch, offset: subscriber.from });
    return {
      close() {
        if (closed || subscriber.from === Number.POSITIVE_INFINITY) return;
        subscriber.from = Number.POSITIVE_INFINITY;
        topic.subscribers = topic.subscribers.filter((other) => other !== subscriber);
        forgetIfIdle(topic);
      },
    };
  };

  const history = async (name: string, query: HistoryQuery): Promise<HistoryPage> => {
    if (closed) throw downError();
    const topic = topics.get(name);
    if (topic === undefined) return pageOf(new History(limits), freshEpoch(), query);
    topic.history.evict(clock.now());
    return pageOf(topic.history, topic.epoch, query);
  };

  return {
    publish,
    subscribe,
    history,
    async find(pattern, limit) {
      if (closed) throw downError();
      return findIn(topics.values(), pattern, limit);
    },
    watch: (seen) => (closed ? { close() {} } : watchers.watch(seen)),
    get count() {
      return topics.size;
    },
    sweep() {
      const now = clock.now();
      for (const topic of topics.values()) {
        topic.history.evict(now);
        forgetIfIdle(topic);
      }
    },
    close() {
      closed = true;
      for (const { subscribers } of topics.values()) silence(subscribers);
      topics.clear();
      watchers.close();
    },
  };
}

const newTopic = (name: string, epoch: string, history: History): Topic => ({
  name,
  epoch,
  history,
  subscribers: [],
  announcing: false,
  delivering: false,
  nested: [],
});

/** Gives the message the topic's next offset. */
const place = (topic: Topic, { data, json, key, size, conn, user }: OutMessage, time: number): Message => ({
  topic: topic.name,
  epoch: topic.epoch,
  offset: topic.history.head + 1,
  time,
  size: size ?? byteLength(data),
  data,
  json,
  key,
  conn,
  user,
});

function findIn(topics: Iterable<Topic>, pattern: string, limit: number) {
  const matches = matcher(pattern);
  const found: (Position & { topic: string })[] = [];
  for (const { name, epoch, history } of topics) {
    if (found.length >= limit) break;
    if (history.head > 0 && matches(name)) found.push({ topic: name, epoch, offset: history.head });
  }
  return found;
}

/** What a watcher publishes is delivered after the message that it is told of. */
function announce(topic: Topic, watchers: Watchers): void {
  topic.announcing = true;
  topic.delivering = true;
  watchers.tell(topic.name);
  topic.announcing = false;
}

function deliverAll(topic: Topic, message: Message, onThrow: OnThrow): void {
  topic.delivering = true;
  hand(topic.subscribers, message, onThrow);
  // Looked at first: emptying an array that is empty costs as much as a delivery.
  if (topic.nested.length > 0) {
    for (const next of topic.nested) hand(topic.subscribers, next, onThrow);
    topic.nested.length = 0;
  }
  topic.delivering = false;
}

const tooManyNested = (topic: string): EngineError => ({
  code: "engine_down",
  text: `${MAX_NESTED} messages published from inside a delivery of topic ${JSON.stringify(topic)} wait already; publish after the delivery has returned`,
});
