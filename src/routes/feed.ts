/**
 * feed: topics that are published to and subscribed to, with history. The path's parameter names the topic.
 * Published by the route's source, by POST, and by clients where `publish` is on; what a plain client says is ignored otherwise.
 * Limits: `maxMessage`, history bounds; a slow reader loses the oldest messages, or all but the newest of each key.
 */
import type { Clock, Timer } from "../clock.ts";
import type { FeedOptions, Source, SourceMessage } from "../config/schema.ts";
import type { Connection, Data } from "../connection.ts";
import type { EngineError, OutMessage, Position, Published, Topics } from "../engine.ts";
import { createEventStream, EVENT_STREAM_TIMEOUT_S, type EventStream } from "../event-stream.ts";
import { createHeartbeat } from "../heartbeat.ts";
import { createHub, type Hub, type HubOptions, type Membership, readerOf } from "../hub.ts";
import type { Capacity } from "../limits.ts";
import type { LogFields } from "../log.ts";
import type { RouteCounters } from "../metrics.ts";
import { topicOf, topicRefusal } from "../path-topic.ts";
import { refusal } from "../refusals.ts";
import type { AdmitRequest, HttpAnswer, Route } from "../route.ts";
import { runSource } from "../source-runner.ts";
import { lastMessages, publishBody, wantsEvents } from "../topic-http.ts";
import { encodeEvent } from "../wire/sse.ts";
import { topicProblem } from "../wire/topic.ts";

export interface FeedDeps {
  readonly options: FeedOptions;
  readonly topics: Topics;
  readonly counters: RouteCounters;
  readonly hub: Pick<HubOptions, "route" | "publisher" | "log">;
  readonly capacity: Capacity;
  readonly clock: Clock;
  /** What runs here, with the name of its topic. */
  readonly source?: { readonly name: string; readonly run: Source } | undefined;
}

interface SubscriberState {
  readonly topic: string;
  readonly membership: Membership;
}

/** A comment so often keeps proxies from cutting an idle stream. */
const COMMENT_MS = 15_000;
const DEFAULT_TOPIC = "feed";

export function createFeed(deps: FeedDeps): Route {
  const { options, topics, counters, hub: shared } = deps;
  const { route, log } = shared;
  const policy = options.slow.policy ?? (options.keyField === undefined ? "drop-oldest" : "latest");
  const hub = createHub({ ...shared, policy, highWater: options.slow.highWater, topics, counters });
  const ownTopic = options.topic ?? deps.source?.name ?? DEFAULT_TOPIC;
  const streams = createStreams(deps, hub);
  const nameOf = (params: AdmitRequest["params"]) => topicOf(params, ownTopic);
  let stopSource: () => Promise<void> = async () => {};

  const onPublished: Published = (result) => {
    if ("code" in result) counters.dropped.refused += 1;
  };
  const keyed = (message: OutMessage): OutMessage => {
    if (options.keyField === undefined) return message;
    return { ...message, key: keyOf(message.data, options.keyField) };
  };

  function publishFromSource(message: SourceMessage): void {
    const checked = checkedMessage(message, ownTopic);
    if ("problem" in checked) {
      log.error({ route, ...checked }, "! a message of the source cannot be published");
    } else {
      topics.publish(checked.topic, keyed({ data: checked.text, json: true }), onPublished);
    }
  }

  const publish = (topic: string, message: OutMessage) =>
    new Promise<Position | EngineError>((done) => {
      topics.publish(topic, keyed(message), done);
    });

  return {
    kind: "feed",
    admit({ params }) {
      const refused = topicRefusal(nameOf(params));
      return refused === undefined ? { admitted: {} } : { refusal: refused };
    },
    http: {
      methods: options.publish ? ["GET", "POST"] : ["GET"],
      handle(request, { params, headers, query, remoteAddress }) {
        const topic = nameOf(params);
        const refused = topicRefusal(topic);
        if (refused !== undefined) return refused;
        if (request.method === "POST") {
          return publishBody(request, options.maxMessage, topic, (message) => publish(topic, message));
        }
        return wantsEvents(headers) ? streams.open(topic, remoteAddress) : lastMessages(topics, topic, query);
      },
    },
    start() {
      if (deps.source === undefined) return;
      const { clock } = deps;
      stopSource = runSource({ ...shared, clock, source: deps.source.run, publish: publishFromSource });
    },
    open(connection) {
      if (options.welcome !== false) connection.send(options.welcome);
      const topic = nameOf(connection.params);
      const state: SubscriberState = { topic, membership: hub.join(topic, readerOf(connection)) };
      connection.state = state;
    },
    message(connection: Connection<SubscriberState>, data, size) {
      if (options.publish) {
        const message = keyed({ data, json: false, size, conn: connection.id });
        topics.publish(connection.state.topic, message, onPublished);
      } else {
        counters.dropped.ignored += 1;
      }
    },
    drain(connection: Connection<SubscriberState>) {
      connection.state.membership.drain();
    },
    close({ state }: Connection<SubscriberState | undefined>) {
      state?.membership.leave();
    },
    describe: ({ state }: Connection<SubscriberState | undefined>) =>
      state === undefined ? {} : { topic: state.topic },
    stats: () => ({ ...hub.stats(), streams: streams.count }),
    async dispose() {
      streams.endAll();
      await stopSource();
    },
  };
}

/** Readers over HTTP. Each costs a descriptor, like a connection. */
function createStreams(deps: FeedDeps, hub: Hub) {
  const { options, counters, capacity, clock } = deps;
  const { route, log } = deps.hub;
  const open = new Set<EventStream>();
  const releases = new Set<Timer>();
  const heartbeat = createHeartbeat(clock, { ping: COMMENT_MS, pong: 0, stall: options.stallTimeout });
  let count = 0;

  /** A descriptor that may still be held must not be given to the next. */
  function releaseLater(): void {
    const timer = clock.after(EVENT_STREAM_TIMEOUT_S * 1000, () => {
      releases.delete(timer);
      capacity.give();
    });
    releases.add(timer);
  }

  function create(fields: LogFields, onDrain: () => void, onGone: () => void): EventStream {
    const stream = createEventStream({
      highWater: options.slow.highWater,
      onDrain,
      onGone(reason, isCut) {
        onGone();
        heartbeat.remove(stream);
        open.delete(stream);
        counters.streams -= 1;
        if (isCut) releaseLater();
        else capacity.give();
        log.info({ ...fields, reason }, "goodbye");
      },
    });
    open.add(stream);
    heartbeat.add(stream);
    counters.streams += 1;
    return stream;
  }

  function join(topic: string, id: string, ip: string): EventStream {
    // The runtime may ask for more before the hub has answered.
    let membership: Membership | undefined;
    const fields = { conn: id, route, topic };
    const stream = create(
      fields,
      () => membership?.drain(),
      () => membership?.leave(),
    );
    membership = hub.join(topic, {
      id,
      format: "plain",
      send({ epoch, offset, data, size }) {
        counters.sent += 1;
        counters.sentBytes += size;
        stream.write(encodeEvent({ id: { epoch, offset }, data: textOf(data) }));
      },
      buffered: stream.buffered,
      close: stream.terminate,
    });
    log.info({ ...fields, ip }, "connected");
    return stream;
  }

  return {
    open(topic: string, ip: string): HttpAnswer {
      if (!capacity.take()) return refusal("full");
      count += 1;
      const stream = join(topic, `${route} stream ${count}`, ip);
      // Some bytes at once: the runtime sends the head with the first of them.
      stream.ping();
      return stream.response;
    },
    get count() {
      return open.size;
    },
    endAll() {
      for (const stream of open) stream.end("service restart");
      for (const timer of releases) timer.cancel();
    },
  };
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

/** An event stream carries text only, so binary stands in it as WIRE has it: `{"base64"}`. */
function textOf(data: Data): string {
  return typeof data === "string" ? data : JSON.stringify({ base64: Buffer.from(data).toString("base64") });
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
