/**
 * Fan-out of one topic to its local readers. Those who keep up sit on the runtime's native channel, which is handed each
 * message once. One with more than `highWater` waiting is taken off it and becomes an offset into the backlog, not a queue:
 * memory does not grow with slow readers. It goes back in the same synchronous step in which it has got everything.
 */
import { type Backlog, createLatest, createTail, type Held } from "./backlog.ts";
import type { Connection, Publisher } from "./connection.ts";
import type { Message } from "./engine.ts";
import type { Log } from "./log.ts";
import type { RouteCounters } from "./metrics.ts";

/** Who is sent a topic's messages. A reader without `connection` is never on the native channel: an event stream. */
export interface Reader {
  readonly id: string;
  readonly connection?: Connection;
  /** It is not sent its own messages. */
  readonly skipsOwn?: boolean;
  /** One that cannot be sent to leaves its topic before this returns; whoever refused the message counts it. */
  send(message: Message): void;
  buffered(): number;
  close(code: 1013, reason: string): void;
}

export interface FanOutOptions {
  /** The route's path: channels of two routes never meet. */
  readonly route: string;
  readonly publisher: Publisher;
  readonly counters: RouteCounters;
  readonly log: Log;
  /** What happens past the mark: `close` ends the reader; the others skip what the backlog could not hold. */
  readonly policy: "close" | "drop-oldest" | "latest";
  /** Bytes; 0 or more than MOST_BYTES = MOST_BYTES. */
  readonly highWater: number;
}

/** A reader's place in the topic. */
export interface Place {
  readonly reader: Reader;
  /** Off the native channel; then `next` is the delivery it needs next, and `queued` how many messages wait for it. */
  isBehind: boolean;
  next: number;
  queued: number;
  /** Found slow, and has not got everything since. */
  isLagging: boolean;
  /** Dropped since it was found slow. */
  lost: number;
  /** More than it may hold waits in the runtime; only `drain` tries again. */
  isFull: boolean;
  isGone: boolean;
}

/** Readers are looked at each time a quarter of the mark was published: never per message, and not much too late. */
const LOOKS_PER_MARK = 4;
/** The smallest frame (RFC 6455 section 5.2): empty messages fill a queue too. */
const FRAME_BYTES = 2;
/** Half of what the runtime holds for a peer: past that it drops the newest message without telling which reader lost it. */
const MOST_BYTES = 32 * 1024 * 1024;

export class FanOut {
  private readonly channel: string;
  private readonly places = new Map<string, Place>();
  private readonly behind = new Set<Place>();
  private readonly backlog: Backlog;
  private readonly mark: number;
  /** Messages delivered so far. Offsets would not do: they begin again with a new epoch. */
  private head = 0;
  /** Bytes published since the readers were last looked at. */
  private unseen = 0;
  /** Most rooms have nobody who skips, and then no message needs to look for its sender. */
  private anySkips = false;

  constructor(
    readonly topic: string,
    private readonly options: FanOutOptions,
  ) {
    const { route, policy, highWater } = options;
    this.channel = `${route}\0${topic}`;
    this.mark = highWater === 0 ? MOST_BYTES : Math.min(highWater, MOST_BYTES);
    const create = policy === "latest" ? createLatest : createTail;
    this.backlog = create(this.mark, (held, reason) => this.forget(held, reason));
  }

  get readers(): number {
    return this.places.size;
  }

  get lagging(): number {
    return [...this.behind].filter(({ isLagging }) => isLagging).length;
  }

  get queued(): number {
    return [...this.behind].reduce((sum, { queued }) => sum + queued, 0);
  }

  /** Bytes of data that wait for readers who lag, however many they are. */
  get held(): number {
    return this.backlog.bytes;
  }

  join(reader: Reader): Place {
    this.anySkips ||= reader.skipsOwn === true;
    const isBehind = reader.connection === undefined;
    const place: Place = {
      reader,
      isBehind,
      next: this.head + 1,
      queued: 0,
      isLagging: false,
      lost: 0,
      isFull: false,
      isGone: false,
    };
    this.places.set(reader.id, place);
    if (isBehind) this.behind.add(place);
    reader.connection?.subscribe(this.channel);
    return place;
  }

  /** What still waited for it is counted as dropped. Without effect the second time. */
  leave(place: Place): void {
    if (place.isGone) return;
    place.isGone = true;
    this.places.delete(place.reader.id);
    this.behind.delete(place);
    this.options.counters.dropped.closed += place.queued;
    if (place.isLagging) this.say(place, { dropped: place.lost + place.queued }, "slow consumer: left");
    place.queued = 0;
    this.trim();
  }

  closeAll(reason: string): void {
    for (const { reader } of this.places.values()) reader.close(1013, reason);
  }

  deliver(message: Message): void {
    const { counters, publisher } = this.options;
    const skipped = this.skippedBy(message);
    const fast = this.places.size - this.behind.size - (skipped === undefined ? 0 : 1);
    this.head += 1;
    counters.due += fast;
    counters.delivered += fast;
    counters.sent += fast;
    counters.sentBytes += fast * message.size;
    if (fast > 0) publisher.publish(this.channel, message.data, skipped);
    if (this.behind.size > 0) this.deliverBehind(message);
    this.unseen += message.size + FRAME_BYTES;
    if (this.unseen * LOOKS_PER_MARK >= this.mark) this.findSlow();
  }

  /** Tries to catch up: the reader's queue went down. */
  drain(place: Place): void {
    if (!place.isFull || place.isGone) return;
    place.isFull = false;
    // Half the mark: a reader at the mark itself would be found slow again at once.
    this.catchUp(place, this.mark / 2);
    this.trim();
  }

  /** The sender's connection when it is on the native channel and wants no copy. */
  private skippedBy({ conn }: Message): Connection | undefined {
    if (!this.anySkips || conn === undefined) return undefined;
    const sender = this.places.get(conn);
    return sender?.reader.skipsOwn && !sender.isBehind ? sender.reader.connection : undefined;
  }

  private deliverBehind(message: Message): void {
    const { counters } = this.options;
    for (const place of this.behind) {
      if (!owes(place, message)) continue;
      place.queued += 1;
      counters.due += 1;
    }
    this.backlog.push({ at: this.head, message });
    for (const place of this.behind) if (!place.isFull) this.catchUp(place, this.mark);
    this.trim();
  }

  /** A message left the backlog: those who have not got it never will. */
  private forget({ at, message }: Held, reason: "slow" | "conflated"): void {
    for (const place of this.behind) {
      if (place.next > at || !owes(place, message)) continue;
      place.queued -= 1;
      place.lost += 1;
      this.options.counters.dropped[reason] += 1;
    }
  }

  private findSlow(): void {
    this.unseen = 0;
    for (const place of this.places.values()) {
      if (!place.isBehind && place.reader.buffered() > this.mark) this.foundSlow(place);
    }
  }

  private foundSlow(place: Place): void {
    if (this.options.policy === "close") {
      place.reader.close(1013, "slow consumer");
      return;
    }
    place.isLagging = true;
    place.isFull = true;
    if (!place.isBehind) {
      place.reader.connection?.unsubscribe(this.channel);
      place.isBehind = true;
      place.next = this.head + 1;
      this.behind.add(place);
    }
    this.say(place, {}, "slow consumer: fell behind");
  }

  /** Sends what waits for the reader, until more than `room` bytes of it wait in the runtime. */
  private catchUp(place: Place, room: number): void {
    for (const { at, message } of this.backlog.from(place.next)) {
      if (place.reader.buffered() > room) {
        this.stayBehind(place);
        return;
      }
      place.next = at + 1;
      if (!owes(place, message)) continue;
      place.queued -= 1;
      place.reader.send(message);
      if (place.isGone) return;
      this.options.counters.delivered += 1;
      // Something published from inside `send` took it further already.
      if (place.next !== at + 1) return;
    }
    this.caughtUp(place);
  }

  private stayBehind(place: Place): void {
    if (place.isLagging) place.isFull = true;
    else this.foundSlow(place);
  }

  private caughtUp(place: Place): void {
    place.next = this.head + 1;
    const { connection } = place.reader;
    if (connection !== undefined) {
      this.behind.delete(place);
      place.isBehind = false;
      connection.subscribe(this.channel);
    }
    if (!place.isLagging) return;
    place.isLagging = false;
    this.say(place, { dropped: place.lost }, "slow consumer: caught up");
    place.lost = 0;
  }

  /** Nobody needs what everybody has got. */
  private trim(): void {
    for (const place of this.behind) if (place.next <= this.head) return;
    this.backlog.clear();
  }

  private say({ reader }: Place, fields: Record<string, number>, text: string): void {
    const { log, route, policy } = this.options;
    log.info({ conn: reader.id, route, topic: this.topic, policy, ...fields }, text);
  }
}

function owes({ reader }: Place, message: Message): boolean {
  return !(reader.skipsOwn && message.conn === reader.id);
}
