/**
 * The local readers of one route, topic by topic. A topic is subscribed at the engine while it has a reader, and forgotten with its last.
 * When the engine cannot take a subscription its readers are closed with 1013: silence would look like a quiet topic.
 * Accounting: due = delivered + dropped + queued, at any moment between two calls.
 */
import type { Connection } from "../connection.ts";
import type { EngineError, HistoryPage, Message, Position, Subscription, Topics } from "../engine.ts";
import { isEngineDown } from "../errors.ts";
import { gapFrame, messageFrame } from "../wire/frames.ts";
import type { Gap, Start } from "../wire/v1.ts";
import { FanOut } from "./fan-out.ts";
import type { FanOutOptions } from "./options.ts";
import { moveTo, type Place, type Reader } from "./place.ts";
import { beginning, type From, startReplay } from "./replay.ts";

export interface HubOptions extends FanOutOptions {
  readonly topics: Topics;
}

/** One reader in one topic. */
export interface Membership {
  /** The reader's queue went down: it may be sent what waits. */
  drain(): void;
  /** Without effect the second time. */
  leave(): void;
}

/** One that begins at a position. Nothing is sent before `go`; what is delivered until then is kept for it. */
export interface Entry extends Membership {
  /** Where the reader begins, for it to be told. MUST be called once; an error leaves nothing to do but `leave`. */
  begin(from: From): Promise<Start | EngineError>;
  /** Lets messages flow. MUST follow a `begin` that went well. */
  go(): void;
  /** The last message the reader was sent, or the one before its first. */
  readonly position: Position;
}

export interface HubStats {
  readonly topics: number;
  readonly readers: number;
  readonly lagging: number;
  readonly queued: number;
  /** Bytes that are kept for readers who lag. */
  readonly held: number;
}

export interface Hub {
  /** Everything from now on. */
  join(topic: string, reader: Reader): Membership;
  /** Everything from now on, or from a position before. */
  enter(topic: string, reader: Reader): Entry;
  /** So many bytes went to readers of a topic past the hub: they fill the same queues. */
  note(topic: string, bytes: number): void;
  stats(): HubStats;
}

/** A plain WebSocket client as a reader of a topic. */
export function readerOf(connection: Connection, skipsOwn = false): Reader {
  return {
    id: connection.id,
    format: "plain",
    connection,
    skipsOwn,
    send: ({ data }) => void connection.send(data),
    buffered: () => connection.buffered(),
    close: (code, reason) => connection.close(code, reason),
  };
}

/** A client of fairlead.v1 as a reader. A class, because a connection may have one for each of its topics. */
export class V1Reader implements Reader {
  readonly format = "v1";

  constructor(
    readonly connection: Connection,
    /** It was found slow in this topic, or has caught up. */
    readonly lagging: (isLagging: boolean) => void,
    /** The topics that its connection reads. */
    private readonly streams: { readonly size: number },
  ) {}

  get topics(): number {
    return this.streams.size;
  }

  get id(): string {
    return this.connection.id;
  }

  send(message: Message): void {
    this.connection.send(messageFrame(message));
  }

  gap(gap: Gap): void {
    this.connection.send(gapFrame(gap));
  }

  buffered(): number {
    return this.connection.buffered();
  }

  close(code: 1013, reason: string): void {
    this.connection.close(code, reason);
  }
}

const UNREADABLE: EngineError = { code: "engine_down", text: "the history cannot be read; try again later" };

interface Subscribed {
  readonly fanOut: FanOut;
  readonly subscription: Subscription;
  /** Calls back once the engine has answered, at once when it has. */
  whenAnswered(run: (answer: Position | EngineError) => void): void;
}

export function createHub(options: HubOptions): Hub {
  const topics = new Map<string, Subscribed>();

  const subscribed = (name: string): Subscribed => {
    const present = topics.get(name) ?? subscribe(name, options);
    topics.set(name, present);
    return present;
  };

  function leave({ fanOut, subscription }: Subscribed, place: Place): void {
    if (place.isGone) return;
    fanOut.leave(place);
    if (fanOut.readers > 0) return;
    subscription.close();
    topics.delete(fanOut.topic);
  }

  return {
    join(name, reader) {
      const topic = subscribed(name);
      const place = topic.fanOut.join(reader);
      return { drain: () => topic.fanOut.drain(place), leave: () => leave(topic, place) };
    },
    enter(name, reader) {
      const topic = subscribed(name);
      const place = topic.fanOut.reserve(reader);
      return new HeldEntry(topic, options, place, leave);
    },
    note(name, bytes) {
      topics.get(name)?.fanOut.note(bytes);
    },
    stats() {
      const fanOuts = [...topics.values()].map(({ fanOut }) => fanOut);
      const sum = (read: (fanOut: FanOut) => number) =>
        fanOuts.reduce((total, each) => total + read(each), 0);
      return {
        topics: fanOuts.length,
        readers: sum(({ readers }) => readers),
        lagging: sum(({ lagging }) => lagging),
        queued: sum(({ queued }) => queued),
        held: sum(({ held }) => held),
      };
    },
  };
}

function subscribe(name: string, options: HubOptions): Subscribed {
  const fanOut = new FanOut(name, options);
  let answer: Position | EngineError | undefined;
  let waiting: ((answer: Position | EngineError) => void)[] = [];
  const subscription = options.topics.subscribe(
    name,
    (message) => fanOut.deliver(message),
    (result) => {
      answer = result;
      if ("code" in result) refuse(fanOut, result.text);
      else fanOut.position = result;
      for (const run of waiting) run(result);
      waiting = [];
    },
    (to) => fanOut.skip(to),
  );
  return {
    fanOut,
    subscription,
    whenAnswered(run) {
      if (answer === undefined) waiting.push(run);
      else run("code" in answer ? answer : fanOut.position);
    },
  };
}

/** An engine may answer before the first reader has joined, and a route before it knows its membership; both have by then. */
function refuse(fanOut: FanOut, text: string): void {
  queueMicrotask(() => fanOut.closeAll(text));
}

/** It has nothing to send before `go`. */
const NOT_YET: Place["replay"] = { drain() {} };

/** Held where it begins until `go`. A class, because there is one for each subscription. */
class HeldEntry implements Entry {
  private readonly fanOut: FanOut;
  private page: HistoryPage | undefined;

  constructor(
    private readonly topic: Subscribed,
    private readonly options: HubOptions,
    private readonly place: Place,
    private readonly onLeave: (topic: Subscribed, place: Place) => void,
  ) {
    this.fanOut = topic.fanOut;
    place.replay = NOT_YET;
    this.fanOut.hold(place);
    // At once where the engine has answered: a message that comes before `begin` is then past this position.
    topic.whenAnswered((answer) => {
      if (!("code" in answer)) this.standAt(answer, 0);
    });
  }

  async begin(from: From): Promise<Start | EngineError> {
    const answer = await new Promise<Position | EngineError>(this.topic.whenAnswered);
    if ("code" in answer) return answer;
    if (from.since === undefined && (from.last ?? 0) === 0) return { ...this.position, count: 0 };
    try {
      const { start, page } = await beginning(this.options.topics, this.fanOut.topic, from);
      this.standAt(start, start.count);
      this.page = page;
      if (start.recovered !== undefined)
        this.options.counters.recoveries[start.recovered ? "recovered" : "lost"] += 1;
      return start;
    } catch (error) {
      this.fail(error);
      return UNREADABLE;
    }
  }

  go(): void {
    const { fanOut, place, page } = this;
    this.page = undefined;
    if (place.isGone) return;
    const { topics, counters } = this.options;
    startReplay({ topics, counters, fanOut, place, onError: (error) => this.fail(error) }, page);
  }

  get position(): Position {
    return this.fanOut.positionOf(this.place);
  }

  drain(): void {
    this.fanOut.drain(this.place);
  }

  leave(): void {
    this.onLeave(this.topic, this.place);
  }

  private standAt({ epoch, offset }: Position, count: number): void {
    moveTo(this.place, { epoch, offset: offset - count });
  }

  private fail(error: unknown): void {
    const { log, route } = this.options;
    const { id } = this.place.reader;
    // Told once by the engine, and not again for each of thousands of readers.
    if (isEngineDown(error)) return;
    log.error({ conn: id, route, topic: this.fanOut.topic, err: error }, "! the history cannot be read");
  }
}
