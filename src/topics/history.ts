/**
 * The last messages of one topic, within bounds of number, age and bytes: the first bound that is reached evicts the oldest.
 * A ring indexed by offset: adding and evicting cost O(1) amortised and allocate nothing, memory follows what is held.
 * Offsets MUST be added without a hole. Age is measured by the monotonic clock of the caller, so a wall clock that jumps evicts nobody.
 */
import type { HistoryLimits, HistoryPage, HistoryQuery, Message } from "../engine.ts";
import { HISTORY_PAGE_BYTES } from "../engine.ts";

const SMALLEST = 4;
/** Shared by all that never had a message: a typed array weighs more than the rest of a topic. */
const NO_TIMES = new Float64Array(0);

/** What one message, and one topic that holds any, cost beside their data. */
export const MESSAGE_BYTES = 256;
export const TOPIC_BYTES = 1024;

/** What histories of so many messages and bytes take of `HistoryLimits.total`. */
export function historyCost(count: number, bytes: number, topics = count === 0 ? 0 : 1): number {
  return topics * TOPIC_BYTES + count * MESSAGE_BYTES + bytes;
}

/** What the histories of a route take together. */
export interface HistoryBudget {
  used: number;
}

/** What pages are made of, wherever it is kept. */
export interface Held {
  /** Offset of the last message; 0 before the first. */
  readonly head: number;
  /** Offset of the oldest message held; `head + 1` when none is. */
  readonly oldest: number;
  /** The messages held from `offset` on, up (`step` 1) or down (-1), as `collect` bounds them. */
  read(offset: number, step: 1 | -1, limit: number): Message[];
}

/** A class, because there is one per topic: a hundred thousand of them share their methods. */
export class History implements Held {
  private slots: (Message | undefined)[] = [];
  private times: Float64Array = NO_TIMES;
  private first = 1;
  private held = 0;
  private heldBytes = 0;

  constructor(
    private readonly limits: HistoryLimits,
    private readonly budget: HistoryBudget = { used: 0 },
  ) {}

  get head(): number {
    return this.first + this.held - 1;
  }

  get oldest(): number {
    return this.first;
  }

  get count(): number {
    return this.held;
  }

  at(offset: number): Message | undefined {
    if (offset < this.first || offset > this.head) return undefined;
    return this.slots[offset & (this.slots.length - 1)];
  }

  read(offset: number, step: 1 | -1, limit: number): Message[] {
    return collect((nth) => this.at(offset + nth * step), limit);
  }

  /** `now`: monotonic milliseconds. The message's offset MUST be `head + 1`. */
  add(message: Message, now: number): void {
    if (this.limits.size === 0) {
      this.first = message.offset + 1;
      return;
    }
    const before = historyCost(this.held, this.heldBytes);
    if (this.held === this.slots.length) this.resize(Math.max(SMALLEST, this.held * 2));
    const slot = message.offset & (this.slots.length - 1);
    this.slots[slot] = message;
    this.times[slot] = now;
    this.held += 1;
    this.heldBytes += message.size;
    this.budget.used += historyCost(this.held, this.heldBytes) - before;
    this.evict(now);
    this.giveWay(before);
  }

  /** Drops what is past a bound at `now`. Needed before every look at a history that has a `ttl`. */
  evict(now: number): void {
    while (this.held > 0 && this.isPast(now)) this.dropOldest();
    if (this.slots.length > SMALLEST && this.held < this.slots.length / 4) this.shrink();
  }

  /** The route holds as much as it may: then this topic takes no more than it did. */
  private giveWay(before: number): void {
    const { total = 0 } = this.limits;
    if (total === 0) return;
    while (this.budget.used > total && historyCost(this.held, this.heldBytes) > before) this.dropOldest();
  }

  private isPast(now: number): boolean {
    const { size, ttl, bytes } = this.limits;
    if (this.held > size || (bytes > 0 && this.heldBytes > bytes)) return true;
    return ttl > 0 && now - (this.times[this.first & (this.slots.length - 1)] ?? 0) >= ttl;
  }

  private dropOldest(): void {
    const before = historyCost(this.held, this.heldBytes);
    const slot = this.first & (this.slots.length - 1);
    this.heldBytes -= this.slots[slot]?.size ?? 0;
    this.slots[slot] = undefined;
    this.first += 1;
    this.held -= 1;
    this.budget.used += historyCost(this.held, this.heldBytes) - before;
  }

  /** At a quarter, not at half: a history that goes up and down at a power of two must not copy itself each time. */
  private shrink(): void {
    let capacity = this.slots.length;
    while (capacity > SMALLEST && this.held < capacity / 4) capacity /= 2;
    this.resize(capacity);
  }

  /** `capacity` is a power of two, so that `offset & (capacity - 1)` is the slot. */
  private resize(capacity: number): void {
    const slots = new Array<Message | undefined>(capacity).fill(undefined);
    const times = new Float64Array(capacity);
    for (let offset = this.first; offset <= this.head; offset++) {
      const from = offset & (this.slots.length - 1);
      const to = offset & (capacity - 1);
      slots[to] = this.slots[from];
      times[to] = this.times[from] ?? 0;
    }
    this.slots = slots;
    this.times = times;
  }
}

/** Answers `query` from what is held, as the contract of HistoryPage says. */
export function pageOf(history: Held, epoch: string, query: HistoryQuery): HistoryPage {
  const { since, before, limit } = query;
  const head = { epoch, offset: history.head };
  const asked = since ?? before;
  const last = since === undefined ? history.head + 1 : history.head;
  if (asked !== undefined && (asked.epoch !== epoch || asked.offset > last))
    return { ...head, messages: [], more: false, complete: false };
  if (since !== undefined) return { ...head, ...after(history, since.offset, limit) };
  return { ...head, ...until(history, before === undefined ? last : before.offset, limit) };
}

type Slice = Pick<HistoryPage, "messages" | "more" | "complete">;

function after(history: Held, since: number, limit: number): Slice {
  const start = Math.max(since + 1, history.oldest);
  const messages = history.read(start, 1, limit);
  return { messages, more: start + messages.length <= history.head, complete: since + 1 >= history.oldest };
}

function until(history: Held, before: number, limit: number): Slice {
  const messages = history.read(before - 1, -1, limit).reverse();
  const start = before - messages.length;
  const more = start > history.oldest;
  return { messages, more, complete: more || messages.length === limit || start <= 1 };
}

/** Takes messages until the limit, the bound in bytes or the end (undefined); one at least, whatever its size. */
export function collect(next: (nth: number) => Message | undefined, limit: number): Message[] {
  const messages: Message[] = [];
  let bytes = 0;
  while (messages.length < limit) {
    const message = next(messages.length);
    if (message === undefined) break;
    bytes += message.size;
    if (bytes > HISTORY_PAGE_BYTES && messages.length > 0) break;
    messages.push(message);
  }
  return messages;
}
