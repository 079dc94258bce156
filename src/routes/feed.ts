/**
 * feed: topics that are published to and subscribed to, with history. The path's parameter names the topic.
 * Published by the route's source, and by clients that have the right, by message or POST; what other plain ones say is ignored.
 * Limits: `maxMessage`, history bounds; a slow reader loses the oldest messages, or all but the newest of each key.
 */
import type { Clock } from "../clock.ts";
import type { FeedOptions, Source, SourceMessage } from "../config/kinds/feed.ts";
import type { Connection, Data } from "../connection.ts";
import type { Idem, OutMessage, Presence, Topics } from "../engine.ts";
import type { Door } from "../limits/door.ts";
import type { RouteCounters } from "../metrics.ts";
import type { AdmitRequest, Route } from "../route.ts";
import { runSource } from "../source-runner.ts";
import {
  admitReader,
  createTopicClients,
  type PathSub,
  type Reading,
  type Speaker,
} from "../topics/clients.ts";
import { createConflater, type PubResult } from "../topics/conflate.ts";
import { lastMessages, publishBody, wantsEvents } from "../topics/http.ts";
import { createHub, type HubOptions } from "../topics/hub.ts";
import { topicOf, topicRefusal } from "../topics/path.ts";
import { createTopicStreams } from "../topics/streams.ts";
import { topicProblem } from "../wire/topic.ts";

export interface FeedDeps {
  readonly options: FeedOptions;
  readonly topics: Topics;
  readonly presence: Presence;
  readonly counters: RouteCounters;
  readonly hub: Pick<HubOptions, "route" | "publisher" | "log">;
  /** For event streams. */
  readonly door: Door;
  readonly clock: Clock;
  /** Subscriptions of a connection; 0 = any number. */
  readonly maxSubscriptions: number;
  /** What runs here, with the name of its topic. */
  readonly source?: { readonly name: string; readonly run: Source } | undefined;
}

interface SubscriberState {
  readonly topic: string;
  readonly reading: Reading;
  /** Whether its messages are published. Asked once: a plain client cannot bring another token. */
  readonly mayPublish?: boolean;
}

interface Speaking extends SubscriberState {
  readonly speaker: Speaker;
}

const DEFAULT_TOPIC = "feed";

export function createFeed(deps: FeedDeps): Route {
  const { options, topics, counters, clock, hub: shared } = deps;
  const { route, log } = shared;
  const policy = options.slow.policy ?? (options.keyField === undefined ? "drop-oldest" : "latest");
  const { stallTimeout } = options;
  const { highWater } = options.slow;
  const hub = createHub({ ...shared, policy, highWater, topics, counters });
  const streams = createTopicStreams({ ...deps, route, log, hub, highWater, stallTimeout });
  const { publish, stop: stopPublishing } = createPublishing(deps);
  const ownTopic = options.topic ?? deps.source?.name ?? DEFAULT_TOPIC;
  const nameOf = (params: AdmitRequest["params"]) => topicOf(params, ownTopic);
  let stopSource: () => Promise<void> = async () => {};

  const onPublished = (result: PubResult) => {
    if ("code" in result) counters.dropped.refused += 1;
  };

  const clients = createTopicClients({
    ...deps,
    ...shared,
    hub,
    presence: { ...options.presence, of: deps.presence },
    publish,
  });

  return {
    kind: "feed",
    v1: {
      open(connection: Connection, welcome) {
        const sub = connection.state as PathSub;
        const topic = nameOf(connection.params);
        const speaker = clients.speaker(connection, topic);
        connection.state = { topic, reading: speaker.subscriptions, speaker } satisfies Speaking;
        return clients.open(connection, speaker, sub, welcome);
      },
      command: (connection: Connection<Speaking>, command, reply) =>
        clients.run(connection.state.speaker, connection, command, reply),
      lacks: ({ state }: Connection<Speaking>, may) => state.speaker.subscriptions.lacks(may),
    },
    admit: (request) => admitReader(request, nameOf(request.params)),
    http: {
      methods: ["GET", "POST"],
      handle(request, from) {
        const topic = nameOf(from.params);
        const refused = topicRefusal(topic);
        if (refused !== undefined) return refused;
        if (request.method === "POST") return publishBody(request, from, { ...options, topic, publish });
        return wantsEvents(from.headers) ? streams.open(topic, from) : lastMessages(topics, topic, from);
      },
    },
    start() {
      if (deps.source === undefined) return;
      const publishChecked = (message: SourceMessage) => {
        const checked = checkedMessage(message, ownTopic);
        if ("text" in checked) publish(checked.topic, { data: checked.text, json: true }, onPublished);
        else log.error({ route, ...checked }, "! a message of the source cannot be published");
      };
      stopSource = runSource({ ...shared, clock, source: deps.source.run, publish: publishChecked });
    },
    open(connection) {
      if (options.welcome !== false) connection.send(options.welcome);
      const topic = nameOf(connection.params);
      const reading = clients.join(connection, topic);
      const mayPublish = connection.may("publish", topic);
      connection.state = { topic, reading, mayPublish } satisfies SubscriberState;
    },
    message(connection: Connection<SubscriberState>, data, size) {
      const { topic, mayPublish } = connection.state;
      if (mayPublish) {
        const { id: conn, user } = connection;
        publish(topic, { data, json: false, size, conn, user: user ?? undefined }, onPublished);
      } else {
        counters.dropped.ignored += 1;
      }
    },
    drain(connection: Connection<SubscriberState>) {
      connection.state.reading.drain();
    },
    close({ state }: Connection<SubscriberState | undefined>) {
      state?.reading.leave();
    },
    describe: ({ state }: Connection<SubscriberState | undefined>) =>
      state === undefined ? {} : { topic: state.topic },
    stats: () => ({ ...hub.stats(), streams: streams.count }),
    async dispose() {
      streams.endAll();
      clients.dispose();
      await stopSource();
      stopPublishing();
    },
  };
}

/** Gives messages their key, and a topic no more of them than `maxRate`. */
function createPublishing({ options, topics, clock, counters }: FeedDeps) {
  const { keyField, maxRate } = options;
  const conflater = maxRate > 0 ? createConflater({ topics, clock, maxRate, counters }) : undefined;

  function publish(topic: string, message: OutMessage, done: (result: PubResult) => void, idem?: Idem): void {
    const key = message.key ?? (keyField === undefined ? undefined : keyOf(message.data, keyField));
    const keyed = key === undefined ? message : { ...message, key };
    if (conflater === undefined) topics.publish(topic, keyed, done, idem);
    else conflater.publish(topic, keyed, done, idem);
  }

  return { publish, stop: () => conflater?.stop() };
}

/** A source is the operator's code, maybe without types: what it yields may be anything. */
function checkedMessage(
  message: SourceMessage,
  ownTopic: string,
): { readonly topic: string; readonly text: string } | { readonly problem: string } {
  try {
    const { data, topic = ownTopic } = message;
    const text: string | undefined = JSON.stringify(data);
    const problem = text === undefined ? "its data is not JSON" : topicProblem(topic);
    return problem === undefined ? { topic, text } : { problem };
  } catch (error) {
    return { problem: String(error) };
  }
}

/** The text, number or boolean in a JSON object's field as a key; a message without one shares a key with its like. */
function keyOf(data: Data, field: string): string | undefined {
  if (typeof data !== "string") return undefined;
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, field)) return undefined;
    const key: unknown = Reflect.get(value, field);
    return key === null || typeof key === "object" ? undefined : String(key);
  } catch {
    // Text that is no JSON has no field.
    return undefined;
  }
}
