/**
 * The topics of one route in the file: what is in memory of them, and the writing half of a publish. `group-commit.ts` calls it inside
 * a transaction: `place` for each publish, then `settle`; after it `confirm` or, when the commit failed, `undo`.
 * In memory is what somebody listens or publishes to, and as much again that was asked for of late; the rest is in the file.
 */
import type { Clock } from "../../clock.ts";
import type {
  EngineError,
  HistoryLimits,
  Idem,
  Message,
  OutMessage,
  Position,
  Published,
} from "../../engine.ts";
import { byteLength } from "../../limits.ts";
import { historyCost } from "../../topics/history.ts";
import { GONE, goneError, idemKey } from "../../topics/idem.ts";
import type { Report } from "../in-process/down.ts";
import { hand, silence } from "../in-process/subscribers.ts";
import { createWatchers, type Watchers } from "../in-process/watchers.ts";
import { createIdemLog, type IdemLog } from "./idem-log.ts";
import { freshEpoch, type OpenFile } from "./open-file.ts";
import type { RouteRow, Store, TopicRow } from "./store.ts";
import {
  add,
  costOf,
  evict,
  isIdle,
  newTopic,
  settle,
  shrink,
  stateOf,
  type Topic,
  type TopicState,
} from "./topic.ts";

/** Topics in memory that nobody needs, before they are let go. */
const MAX_IDLE = 10_000;
/** A sweep stops after so long, and goes on where it stopped: it holds everybody up. */
const SWEEP_BUDGET_MS = 10;
const SWEEP_ROWS = 100;

/** When a commit is made. `time` is what people see, `kept` what history goes by. */
export interface Moment {
  readonly time: number;
  readonly kept: number;
}

/** A publish on its way into the file. */
export interface Waiting {
  readonly route: Route;
  readonly topic: Topic;
  readonly message: OutMessage;
  readonly done: Published | undefined;
  readonly idem: Idem | undefined;
  /** What `place` made of it: a message to deliver, or an answer alone. */
  placed: Message | undefined;
  answer: Position | EngineError | undefined;
}

export interface RouteOptions {
  readonly path: string;
  readonly limits: HistoryLimits;
  readonly clock: Clock;
  readonly report: Report;
}

/** What the file holds of a route. */
interface Attached {
  readonly store: Store;
  readonly idems: IdemLog;
  row: RouteRow;
  /** Where to go back to when a commit fails. */
  committed: RouteRow;
}

export class Route {
  readonly path: string;
  readonly limits: HistoryLimits;
  readonly watchers: Watchers;
  private readonly topics = new Map<string, Topic>();
  private room = MAX_IDLE;
  private attached: Attached | undefined;
  private touched: Topic[] = [];
  /** What the file holds, as `HistoryLimits.total` counts it, and as it was committed. A sweep counts anew, in `swept`. */
  private held = 0;
  private heldCommitted = 0;
  private swept = 0;

  constructor(private readonly options: RouteOptions) {
    this.path = options.path;
    this.limits = options.limits;
    this.watchers = createWatchers(options.path, options.report);
  }

  /** Topics in memory. */
  get count(): number {
    return this.topics.size;
  }

  /** Its number in the file. */
  get id(): number {
    return this.attachment.row.id;
  }

  /** Begins with what the file holds; without effect if it did. Who listened to another file before hears the new epochs from their first message on. */
  attach({ store, isWhole }: OpenFile): void {
    if (this.attached?.store === store) return;
    const { path } = this;
    const known = store.route(path);
    if (known === null) store.addRoute(path, freshEpoch());
    const row = known ?? store.route(path);
    if (row === null) throw new Error(`the route ${path} was written and is not there`);
    const idems = createIdemLog(this.options.clock, row.id, store, isWhole && known !== null);
    this.attached = { store, idems, row, committed: row };
    const { topics, messages, bytes } = store.sums(row.id);
    this.held = historyCost(messages, bytes, topics);
    this.heldCommitted = this.held;
    for (const topic of this.topics.values()) {
      topic.state = undefined;
      for (const subscriber of topic.subscribers) subscriber.from = 0;
    }
  }

  topic(name: string): Topic {
    const known = this.topics.get(name);
    if (known !== undefined) return known;
    if (this.topics.size >= this.room) this.letGo();
    const topic = newTopic(name);
    this.topics.set(name, topic);
    return topic;
  }

  /** Where the topic stands, as committed. */
  state(topic: Topic): TopicState {
    const { store, row } = this.attachment;
    topic.state ??= stateOf(store.topic(row.id, topic.name), row.epoch);
    return topic.state;
  }

  place(waiting: Waiting, { time, kept }: Moment): void {
    const { topic, message, idem } = waiting;
    const { store, idems, row } = this.attachment;
    const key = idem === undefined ? undefined : idemKey(topic.name, message.user, idem.id);
    const known = key === undefined ? undefined : idems.look(key, idem?.age);
    waiting.answer = known === GONE ? goneError(idem?.age) : known;
    if (known !== undefined) return;
    const state = this.state(topic);
    this.touch(topic, state);
    if (state.id === 0) state.id = store.addTopic(row.id, topic.name, state.epoch, kept);
    const placed = placedIn(topic.name, state, message, time);
    add(state, placed, kept, this.limits, store);
    if (key !== undefined) idems.add(key, placed);
    waiting.placed = placed;
    waiting.answer = placed;
  }

  settle(kept: number): void {
    const { store } = this.attachment;
    for (const { state, before } of this.touched) {
      if (state === undefined || before === undefined) continue;
      evict(state, this.limits, kept, store);
      this.weigh(state, costOf(before));
      settle(state, store);
    }
  }

  /** The route holds as much as it may: then a topic takes no more than it did `before`. */
  private weigh(state: TopicState, before: number): void {
    const { total = 0 } = this.limits;
    this.held += costOf(state) - before;
    if (total === 0 || this.held <= total || costOf(state) <= before) return;
    this.held -= costOf(state);
    shrink(state, before, this.attachment.store);
    this.held += costOf(state);
  }

  confirm(): void {
    for (const topic of this.touched) topic.before = undefined;
    this.touched = [];
    this.heldCommitted = this.held;
    this.attachment.idems.confirm();
    this.attachment.committed = this.attachment.row;
  }

  undo(): void {
    for (const topic of this.touched) {
      topic.state = topic.before;
      topic.before = undefined;
    }
    this.touched = [];
    this.held = this.heldCommitted;
    if (this.attached === undefined) return;
    this.attached.idems.undo();
    this.attached.row = this.attached.committed;
  }

  deliver(topic: Topic, message: Message): void {
    if (message.offset === 1 && this.watchers.count > 0) {
      topic.announcing = true;
      this.watchers.tell(topic.name);
      topic.announcing = false;
    }
    hand(topic.subscribers, message, this.onThrow);
  }

  /** Inside a transaction. Forgets topics from `after` on that nobody needs; answers where to go on, 0 after the last. */
  sweep(after: number, kept: number): number {
    const { store, idems, row } = this.attachment;
    const { clock } = this.options;
    if (after === 0) {
      idems.sweep();
      this.swept = 0;
    }
    const end = clock.now() + SWEEP_BUDGET_MS;
    for (let id = after; ; ) {
      const rows = store.topicsAfter(row.id, id, SWEEP_ROWS);
      for (const topic of rows) {
        if (isEmpty(topic, this.limits, kept)) this.forget(topic);
        else this.swept += costOf(topic);
      }
      if (rows.length < SWEEP_ROWS) {
        this.held = this.swept;
        return 0;
      }
      id = rows.at(-1)?.id ?? 0;
      if (clock.now() >= end) return id;
    }
  }

  /** Nobody hears anything more. */
  silence(): void {
    for (const { subscribers } of this.topics.values()) silence(subscribers);
    this.topics.clear();
    this.watchers.close();
  }

  private get attachment(): Attached {
    if (this.attached === undefined) throw new Error(`the route ${this.path} has no file yet`);
    return this.attached;
  }

  private touch(topic: Topic, state: TopicState): void {
    if (topic.before !== undefined) return;
    topic.before = { ...state };
    this.touched.push(topic);
  }

  /** All at once and seldom: the room grows with what cannot go. */
  private letGo(): void {
    for (const topic of this.topics.values()) if (isIdle(topic)) this.topics.delete(topic.name);
    this.room = this.topics.size * 2 + MAX_IDLE;
  }

  private forget({ id, epoch, name }: TopicRow & { readonly name: string }): void {
    const topic = this.topics.get(name);
    if (topic !== undefined && !isIdle(topic)) return;
    const { store, row } = this.attachment;
    this.topics.delete(name);
    store.dropMessages(id, Number.MAX_SAFE_INTEGER);
    store.dropTopic(id);
    if (epoch !== row.epoch) return;
    // Were it to come back in the epoch that it had, old offsets would name new messages.
    this.attachment.row = { id: row.id, epoch: freshEpoch() };
    store.setRouteEpoch(row.id, this.attachment.row.epoch);
  }

  private readonly onThrow = ({ topic: name }: Message, error: unknown): void =>
    this.options.report({ stage: "deliver", route: this.path, name, error });
}

const isEmpty = ({ head, first, last }: TopicRow, { ttl }: HistoryLimits, kept: number) =>
  first > head || (ttl > 0 && kept - last >= ttl);

/** Gives the message the topic's next offset. */
function placedIn(topic: string, state: TopicState, message: OutMessage, time: number): Message {
  const { data, json, key, size = byteLength(data), conn, user } = message;
  const offset = state.head + 1 - state.base;
  return { topic, epoch: state.epoch, offset, time, size, data, json, key, conn, user };
}
