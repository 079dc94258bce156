/**
 * One topic as this node delivers it: what pub/sub brings, in order of offset and without a hole. Pub/sub may lose messages, bring them
 * late, or be cut; so whatever is not the next one is not delivered: the hole is read from the topic's history first.
 *
 * What the history no longer holds is told by `skip`, and so is a new epoch that has no message yet. While Redis cannot be asked the
 * reader waits where it stands; it looks again when Redis is up, at the next message, and at each `check`.
 */
import type {
  Deliver,
  EngineError,
  EngineTraffic,
  Message,
  Position,
  Published,
  Skip,
} from "../../../engine.ts";
import type { Report } from "../../in-process/down.ts";
import { type Batch, bodyLength, decodeBatch, decodeBody } from "./body.ts";

/** One who hears the topic. Gets what is past `from`; a closed one gets nothing, because nothing is past Infinity. */
export interface Subscriber {
  readonly deliver: Deliver;
  readonly skip: Skip | undefined;
  readonly done: Published | undefined;
  from: number;
}

/** What Redis has of a topic after a position. */
export interface Rest extends Position {
  readonly messages: readonly Message[];
}

export interface ReaderOptions {
  readonly topic: string;
  readonly route: string;
  /** All that is there after this offset, as far as one page goes; everything there is of another epoch. */
  readonly rest: (after: Position) => Promise<Rest>;
  readonly report: Report;
  readonly traffic: Traffic;
}

/** Over all topics of an engine. */
export type Traffic = { -readonly [Name in keyof EngineTraffic]: number };

/** A class, because there is one for each topic that is read. */
export class Reader {
  /** Replaced, never changed: a delivery under way keeps the list it began with. */
  subscribers: readonly Subscriber[] = [];
  private at: Position | undefined;
  /** What was heard while the position was not known, or a hole is being filled: it has to come to this, at least. */
  private target: Position | undefined;
  private filling: Promise<void> | undefined;
  private isClosed = false;

  constructor(private readonly options: ReaderOptions) {}

  /** Undefined: not known yet. */
  get position(): Position | undefined {
    return this.at;
  }

  add(subscriber: Subscriber): void {
    this.subscribers = [...this.subscribers, subscriber];
    if (this.at !== undefined) this.begin(subscriber, this.at);
  }

  remove(subscriber: Subscriber): void {
    subscriber.from = Number.POSITIVE_INFINITY;
    this.subscribers = this.subscribers.filter((other) => other !== subscriber);
  }

  /** Redis says that the topic stands here. The first time it is where everybody begins; later, what is missing is fetched. */
  stands(position: Position): void {
    if (this.isClosed) return;
    if (this.at === undefined) {
      this.at = position;
      for (const subscriber of this.subscribers) this.begin(subscriber, position);
    } else if (this.isBehind(position)) this.reach(position);
    const { target } = this;
    if (target !== undefined && this.filling === undefined && this.isBehind(target)) this.reach(target);
  }

  /** What pub/sub brought. */
  heard(bytes: Buffer, now: number): void {
    if (this.isClosed) return;
    const batch = decodeBatch(bytes);
    const { epoch, first } = batch;
    this.options.traffic.lag = Math.max(0, now - batch.time);
    const { at } = this;
    if (at !== undefined && this.filling === undefined && at.epoch === epoch && first <= at.offset + 1)
      this.deliverBatch(bytes, batch);
    else this.reach({ epoch, offset: lastOf(bytes, batch) });
  }

  /** The position could not be had: those who wait are told, and go. */
  refuse(error: EngineError): void {
    const waiting = this.subscribers;
    this.close();
    for (const { done } of waiting) done?.(error);
  }

  close(): void {
    this.isClosed = true;
    for (const subscriber of this.subscribers) subscriber.from = Number.POSITIVE_INFINITY;
    this.subscribers = [];
  }

  /** Settles when nothing is being fetched. */
  get settled(): Promise<void> {
    return this.filling ?? Promise.resolve();
  }

  private begin(subscriber: Subscriber, { epoch, offset }: Position): void {
    if (subscriber.from === Number.POSITIVE_INFINITY) return;
    subscriber.from = offset;
    subscriber.done?.({ epoch, offset });
  }

  private isBehind({ epoch, offset }: Position): boolean {
    return this.at === undefined || this.at.epoch !== epoch || this.at.offset < offset;
  }

  private reach(position: Position): void {
    const { target } = this;
    if (target?.epoch !== position.epoch || target.offset < position.offset) this.target = position;
    if (this.at !== undefined) this.filling ??= this.fill(this.at);
  }

  private async fill(start: Position): Promise<void> {
    let from = start;
    try {
      for (;;) {
        const rest = await this.options.rest(from);
        if (this.isClosed) return;
        const reached = this.take(rest, from);
        if (!this.isShort(reached, rest) || isSame(reached, from)) return;
        from = reached;
      }
    } catch {
      // Redis is away: whoever looks next tries again.
    } finally {
      this.filling = undefined;
      this.target = undefined;
    }
  }

  /** The page was not all there is, or more was heard of meanwhile. */
  private isShort(at: Position, { epoch, offset }: Rest): boolean {
    const { target } = this;
    return at.offset < (target?.epoch === epoch ? Math.max(target.offset, offset) : offset);
  }

  /** Answers where the topic stands here then. */
  private take({ epoch, offset, messages }: Rest, at: Position): Position {
    const before = (messages[0]?.offset ?? offset + 1) - 1;
    if (epoch !== at.epoch) this.skip({ epoch, offset: before }, 0);
    else if (before > at.offset) this.skip({ epoch, offset: before }, before - at.offset);
    if (messages.length > 0) this.options.traffic.holes += 1;
    for (const message of messages) this.deliver(message);
    return this.at ?? at;
  }

  private skip(to: Position, lost: number): void {
    const { traffic, report, route, topic } = this.options;
    traffic.lost += lost;
    this.at = to;
    for (const subscriber of this.subscribers) {
      if (subscriber.from === Number.POSITIVE_INFINITY) continue;
      subscriber.from = to.offset;
      try {
        subscriber.skip?.(to);
      } catch (error) {
        report({ stage: "deliver", route, name: topic, error });
      }
    }
  }

  private deliverBatch(bytes: Buffer, { epoch, first, time, at }: Batch): void {
    const { topic } = this.options;
    let offset = first;
    for (let place = at; place < bytes.length; place += bodyLength(bytes, place)) {
      if (offset > (this.at?.offset ?? 0))
        this.deliver(decodeBody(bytes, place, { topic, epoch, offset, time }));
      offset += 1;
    }
  }

  private deliver(message: Message): void {
    this.at = { epoch: message.epoch, offset: message.offset };
    for (const subscriber of this.subscribers) {
      if (message.offset <= subscriber.from) continue;
      try {
        subscriber.deliver(message);
      } catch (error) {
        const { report, route, topic } = this.options;
        report({ stage: "deliver", route, name: topic, error });
      }
    }
  }
}

const isSame = (one: Position, other: Position) => one.epoch === other.epoch && one.offset === other.offset;

function lastOf(bytes: Buffer, { first, at }: Batch): number {
  let last = first - 1;
  for (let place = at; place < bytes.length; place += bodyLength(bytes, place)) last += 1;
  return last;
}
