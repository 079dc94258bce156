/**
 * One topic of the sqlite engine: what is known of it in memory, and how its history keeps within its bounds. The messages are in the file.
 * A call that asks the file may throw what SQLite says.
 */
import type { HistoryLimits, HistoryPage, HistoryQuery, Message } from "../../engine.ts";
import { collect, type Held, historyCost, pageOf } from "../../topics/history.ts";
import type { Subscribers } from "../in-process/subscribers.ts";
import type { MessageRow, Store, TopicRow } from "./store.ts";

export interface TopicState extends TopicRow {
  /** `at` of the oldest message in the file: those before `first` are dropped with the next commit. */
  stored: number;
  /** `kept` of the oldest message held; -Infinity while unknown. */
  oldest: number;
}

export interface Topic {
  readonly name: string;
  /** As it was committed; undefined until somebody needs it. */
  state: TopicState | undefined;
  /** What to go back to when the commit under way fails; undefined: it does not touch this topic. */
  before: TopicState | undefined;
  subscribers: Subscribers;
  /** Its first message is not delivered yet: who subscribes now gets that, too. */
  announcing: boolean;
  /** Publishes not answered yet. */
  waiting: number;
}

export const newTopic = (name: string): Topic => ({
  name,
  state: undefined,
  before: undefined,
  subscribers: [],
  announcing: false,
  waiting: 0,
});

/** Nobody would notice if it were read from the file again. */
export const isIdle = ({ subscribers, waiting, announcing }: Topic) =>
  subscribers.length === 0 && waiting === 0 && !announcing;

export function stateOf(row: TopicRow | null, epoch: string): TopicState {
  const unknown = Number.NEGATIVE_INFINITY;
  if (row !== null) return { ...row, stored: row.first, oldest: unknown };
  return { id: 0, epoch, base: 0, head: 0, first: 1, bytes: 0, last: 0, stored: 1, oldest: unknown };
}

export const offsetOf = ({ head, base }: TopicState) => head - base;

/** Counts what was added: `message` has the topic's next offset. Without history only the head moves. */
export function add(state: TopicState, message: Message, kept: number, limits: HistoryLimits, store: Store) {
  state.head += 1;
  state.last = kept;
  if (limits.size === 0) {
    state.first = state.head + 1;
    return;
  }
  if (state.first === state.head) state.oldest = kept;
  state.bytes += message.size;
  store.addMessage(state.id, state.head, kept, message);
}

/** Of `HistoryLimits.total`. */
export const costOf = ({ head, first, bytes }: TopicRow) => historyCost(head - first + 1, bytes);

/** Drops the oldest until the topic takes no more than `cost`. */
export function shrink(state: TopicState, cost: number, store: Store): void {
  for (const row of store.sizes(state.id, state.first)) {
    state.oldest = row.kept;
    if (costOf(state) <= cost) return;
    state.first = row.at + 1;
    state.bytes -= row.size;
  }
}

/** Moves `first` past what is beyond a bound at `kept`. What is past it stays in the file until `settle`. */
export function evict(state: TopicState, limits: HistoryLimits, kept: number, store: Store): void {
  if (!isPast(state, limits, kept)) return;
  for (const row of store.sizes(state.id, state.first)) {
    state.oldest = row.kept;
    if (!isPast(state, limits, kept)) return;
    state.first = row.at + 1;
    state.bytes -= row.size;
  }
  state.first = state.head + 1;
  state.bytes = 0;
}

function isPast({ head, first, bytes, oldest }: TopicState, limits: HistoryLimits, kept: number): boolean {
  const count = head - first + 1;
  if (count === 0) return false;
  if (count > limits.size || (limits.bytes > 0 && bytes > limits.bytes)) return true;
  return limits.ttl > 0 && kept - oldest >= limits.ttl;
}

/** Writes down where the topic stands, and drops what it no longer holds. */
export function settle(state: TopicState, store: Store): void {
  if (state.first > state.stored) store.dropMessages(state.id, state.first);
  state.stored = state.first;
  store.saveTopic(state);
}

/** `state` MUST be evicted to this moment. */
export function readPage(topic: string, state: TopicState, query: HistoryQuery, store: Store): HistoryPage {
  const { id, base, epoch, first, head } = state;
  const held: Held = {
    head: head - base,
    oldest: first - base,
    read(offset, step, limit) {
      const at = offset + base;
      const rows = step === 1 ? store.messages(id, at, head, 1) : store.messages(id, first, at, -1);
      return take(rows, limit, (row) => messageOf(topic, epoch, base, row));
    },
  };
  return pageOf(held, epoch, query);
}

/** An iteration that is given up must be told, or its statement keeps the file busy. */
function take(rows: Iterable<MessageRow>, limit: number, made: (row: MessageRow) => Message): Message[] {
  const rest = rows[Symbol.iterator]();
  const messages = collect(() => {
    const { done, value } = rest.next();
    return done ? undefined : made(value);
  }, limit);
  rest.return?.();
  return messages;
}

const messageOf = (topic: string, epoch: string, base: number, row: MessageRow): Message => ({
  topic,
  epoch,
  offset: row.at - base,
  time: row.time,
  size: row.size,
  data: row.data,
  json: row.json === 1,
  key: row.key ?? undefined,
  conn: row.conn ?? undefined,
  user: row.user ?? undefined,
});
