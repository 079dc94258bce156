/**
 * Fan-out of one topic to its local readers. Those who keep up sit on the runtime's native channel, which is handed each
 * message once. One with more than `highWater` waiting is taken off it and becomes an offset into the backlog, not a queue:
 * memory does not grow with slow readers. It goes back in the same synchronous step in which it has got everything.
 */
import type { Message, Position } from "../engine.ts";
import { type Backlog, createLatest, createTail, type Held, markOf } from "./backlog.ts";
import { Live } from "./live.ts";
import { lose, loseAll, loseUpTo, tellGaps, tellRest } from "./losses.ts";
import type { FanOutOptions } from "./options.ts";
import { createPlace, owes, type Place, type Reader } from "./place.ts";

/** Readers are looked at each time a quarter of the mark was published: never per message, and not much too late. */
const LOOKS_PER_MARK = 4;
/** The smallest frame (RFC 6455 section 5.2): empty messages fill a queue too. */
const FRAME_BYTES = 2;

export class FanOut {
  private readonly live: Live;
  private readonly places = new Map<string, Place>();
  private readonly behind = new Set<Place>();
  private readonly backlog: Backlog;
  private readonly mark: number;
  /** Messages delivered so far. Offsets would not do: they begin again with a new epoch. */
  private head = 0;
  private epoch = "";
  private offset = 0;
  /** Bytes published since the readers were last looked at. */
  private unseen = 0;
  /** Topics of the reader who has most of them: each is looked at so much more often, for they all fill one queue. */
  private share = 1;

  constructor(
    readonly topic: string,
    private readonly options: FanOutOptions,
  ) {
    this.live = new Live(topic, options);
    this.mark = markOf(options.highWater);
    const create = options.policy === "latest" ? createLatest : createTail;
    this.backlog = create(this.mark, (held, reason) => this.forget(held, reason));
  }

  get readers(): number {
    return this.places.size;
  }

  get lagging(): number {
    return this.behind.values().reduce((sum, { isLagging }) => sum + (isLagging ? 1 : 0), 0);
  }

  get queued(): number {
    return this.behind.values().reduce((sum, { queued }) => sum + queued, 0);
  }

  /** Bytes that wait for readers who lag, however many they are. */
  get held(): number {
    return this.backlog.bytes;
  }

  /** Where the topic stands: the last message that was delivered here. */
  get position(): Position {
    return { epoch: this.epoch, offset: this.offset };
  }

  set position({ epoch, offset }: Position) {
    this.epoch = epoch;
    this.offset = offset;
  }

  /** Offset of the last message that this reader was sent, or that it was not to be sent any more. */
  positionOf(place: Place): Position {
    return place.isLive ? this.position : { epoch: place.epoch, offset: place.position };
  }

  /** The reader gets every message from now on. */
  join(reader: Reader): Place {
    const place = this.reserve(reader);
    if (reader.connection === undefined) this.hold(place);
    else this.live.add(place);
    return place;
  }

  /** The reader is counted, and gets nothing before `hold` and `present`. */
  reserve(reader: Reader): Place {
    const place = createPlace(reader);
    this.places.set(reader.id, place);
    this.share = Math.max(this.share, reader.topics ?? 1);
    return place;
  }

  /** What still waited for it is counted as dropped. Without effect the second time. */
  leave(place: Place): void {
    if (place.isGone) return;
    place.isGone = true;
    this.places.delete(place.reader.id);
    this.behind.delete(place);
    if (place.isLive) this.live.remove(place);
    this.options.counters.dropped.closed += place.queued;
    if (place.isLagging) this.say(place, { dropped: place.lost + place.queued }, "slow consumer: left");
    place.queued = 0;
    this.trim();
  }

  /** Those who wait to begin are answered instead. */
  closeAll(reason: string): void {
    for (const { reader, replay } of this.places.values())
      if (replay === undefined) reader.close(1013, reason);
  }

  deliver(message: Message): void {
    if (message.epoch !== this.epoch) this.turnEpoch(message);
    this.offset = message.offset;
    this.head += 1;
    const size = this.live.deliver(message);
    if (this.behind.size > 0) this.deliverBehind(message);
    this.note(size + FRAME_BYTES);
  }

  /** Nothing up to `to` will come. Who lags loses what waits for it, too: after the gap it would be out of order. */
  skip(to: Position): void {
    if (to.epoch !== this.epoch) this.turnEpoch({ epoch: to.epoch, offset: to.offset + 1 });
    else if (to.offset > this.offset) {
      this.live.skip(this.offset + 1, to);
      const { dropped } = this.options.counters;
      for (const place of this.behind) dropped.slow += loseUpTo(place, to, this.head + 1);
    }
    this.offset = to.offset;
  }

  /** So many bytes were handed to each reader on the native channels. */
  note(bytes: number): void {
    this.unseen += bytes;
    if (this.unseen * LOOKS_PER_MARK * this.share >= this.mark) this.findSlow();
  }

  drain(place: Place): void {
    place.replay?.drain();
    // Half the mark, also while nothing else waits for it: each return from above would let its queue grow further.
    if (place.replay !== undefined || !place.isFull || place.isGone || !this.hasRoom(place)) return;
    place.isFull = false;
    this.catchUp(place, this.mark / 2);
    this.trim();
  }

  /** Whether a reader may be sent more of the history. */
  hasRoom({ reader }: Place): boolean {
    return reader.buffered() <= this.mark / 2;
  }

  /** Keeps for it what is delivered from now on. */
  hold(place: Place): void {
    place.next = this.head + 1;
    if (place.replay === undefined) {
      place.epoch = this.epoch;
      place.position = this.offset;
    }
    this.behind.add(place);
  }

  release(place: Place): void {
    this.behind.delete(place);
    this.trim();
  }

  /**
   * The reader has had the history up to its position: sends what was delivered since `hold`, and lets it read the present.
   * False: some of that has left the backlog, or the reader is full; the history has it.
   */
  present(place: Place): boolean {
    while (place.next <= this.head) {
      const held = this.backlog.from(place.next);
      if (held.length <= this.head - place.next) return false;
      for (const { at, message } of held) {
        if (!this.hasRoom(place)) return false;
        place.next = at + 1;
        if (owes(place, message)) this.sendDue(place, message);
        if (place.isGone) return true;
      }
    }
    place.replay = undefined;
    this.caughtUp(place);
    this.trim();
    return true;
  }

  /** A message that the reader was not counted for when it was delivered. */
  sendDue(place: Place, message: Message): void {
    this.options.counters.due += 1;
    this.options.counters.delivered += 1;
    this.hand(place, message);
  }

  /**
   * Those behind hear of it in their turn. Under `latest` what waited for them is lost: of two epochs it could not be said which
   * offsets gave way to newer ones.
   */
  private turnEpoch(message: Position): void {
    if (this.epoch !== "") this.live.turnEpoch(message);
    this.epoch = message.epoch;
    if (this.options.policy !== "latest") return;
    for (const place of this.behind) this.options.counters.dropped.slow += loseAll(place, this.head + 1);
  }

  private deliverBehind(message: Message): void {
    for (const place of this.behind) {
      if (place.replay !== undefined || !owes(place, message)) continue;
      place.queued += 1;
      this.options.counters.due += 1;
    }
    this.backlog.push({ at: this.head, message });
    for (const place of this.behind)
      if (!place.isFull && place.replay === undefined) this.catchUp(place, this.mark);
    this.trim();
  }

  /** A message left the backlog: those who have not got it never will. */
  private forget({ at, message }: Held, reason: "slow" | "conflated"): void {
    for (const place of this.behind) {
      if (place.replay !== undefined || place.next > at || !owes(place, message)) continue;
      lose(place, message);
      this.options.counters.dropped[reason] += 1;
    }
  }

  private findSlow(): void {
    this.unseen = 0;
    this.share = 1;
    for (const place of this.places.values()) {
      this.share = Math.max(this.share, place.reader.topics ?? 1);
      if (place.isLive && place.reader.buffered() > this.mark) this.foundSlow(place);
    }
  }

  private foundSlow(place: Place): void {
    if (this.options.policy === "close") {
      place.reader.close(1013, "slow consumer");
      return;
    }
    place.isLagging = true;
    place.isFull = true;
    if (place.isLive) {
      this.live.remove(place);
      this.hold(place);
    }
    place.reader.lagging?.(true);
    this.say(place, {}, "slow consumer: fell behind");
  }

  /** Sends what waits for the reader, until more than `room` bytes of it wait in the runtime. */
  private catchUp(place: Place, room: number): void {
    for (const { at, message } of this.backlog.from(place.next)) {
      if (place.reader.buffered() > room) {
        if (place.isLagging) place.isFull = true;
        else this.foundSlow(place);
        return;
      }
      place.next = at + 1;
      if (!owes(place, message)) continue;
      place.queued -= 1;
      this.hand(place, message);
      if (place.isGone) return;
      this.options.counters.delivered += 1;
      // Something published from inside `send` took it further already.
      if (place.next !== at + 1) return;
    }
    this.caughtUp(place);
  }

  private hand(place: Place, message: Message): void {
    tellGaps(place, message, { topic: this.topic, ...this.position }, this.options.policy === "latest");
    place.position = message.offset;
    place.reader.send(message);
  }

  private caughtUp(place: Place): void {
    place.next = this.head + 1;
    tellRest(place, { topic: this.topic, ...this.position });
    // The history may be ahead of the deliveries: those must not come twice.
    const isAhead = place.epoch !== this.epoch || place.position > this.offset;
    if (place.reader.connection !== undefined && !isAhead) {
      this.behind.delete(place);
      this.live.add(place);
    }
    if (!place.isLagging) return;
    place.isLagging = false;
    this.say(place, { dropped: place.lost }, "slow consumer: caught up");
    place.lost = 0;
    place.reader.lagging?.(false);
  }

  private trim(): void {
    for (const place of this.behind) if (place.next <= this.head) return;
    this.backlog.clear();
  }

  private say(place: Place, fields: Record<string, number>, text: string): void {
    const { log, route, policy } = this.options;
    log.info({ conn: place.reader.id, route, topic: this.topic, policy, ...fields }, text);
  }
}
