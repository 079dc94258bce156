/**
 * Who reads a topic, and how far each has got. `fan-out.ts` delivers to places, `replay.ts` brings one from the history to the present.
 */
import type { Connection } from "../connection.ts";
import type { Message, Position } from "../engine.ts";
import type { Gap } from "../wire/v1.ts";

/** How a message looks on the wire: as it was published, or as an event of fairlead.v1. */
export type Format = "plain" | "v1";

/** Who is sent a topic's messages. A reader without `connection` is never on a native channel: an event stream. */
export interface Reader {
  readonly id: string;
  readonly format: Format;
  readonly connection?: Connection | undefined;
  /** It is not sent its own messages. */
  readonly skipsOwn?: boolean;
  /** How many topics it reads over its one connection; absent: this one. */
  readonly topics?: number;
  /** One that cannot be sent to leaves its topic before this returns; whoever refused the message counts it. */
  send(message: Message): void;
  /** Told of what it will not be sent. Absent: it has no way to hear of it. */
  gap?(gap: Gap): void;
  /** It was found slow or does not take the history, or has caught up. */
  lagging?(isLagging: boolean): void;
  buffered(): number;
  close(code: 1013, reason: string): void;
}

/** A reader's place in the topic. */
export interface Place {
  readonly reader: Reader;
  /** On the native channel. */
  isLive: boolean;
  /** Off it: `next` is the delivery it needs next, and `queued` how many messages wait for it. */
  next: number;
  queued: number;
  /** Found slow, and has not got everything since. */
  isLagging: boolean;
  /** Dropped since it was found slow. */
  lost: number;
  /** Offsets of the first and last message of `lostEpoch` that it lost and was not told of; 0 = none. */
  lostEpoch: string;
  lostFrom: number;
  lostTo: number;
  /** More than it may hold waits in the runtime; only `drain` tries again. */
  isFull: boolean;
  isGone: boolean;
  /** It is being sent the history; deliveries are no business of its own until then. */
  replay: { drain(): void } | undefined;
  /** The last message it was sent, while it is behind or in a replay. What is not past it, it never needs. */
  epoch: string;
  position: number;
  /** The epoch it was in before the history told of a newer one: deliveries may not be there yet, and it needs none of them. */
  past: string;
}

export function createPlace(reader: Reader): Place {
  return {
    reader,
    isLive: false,
    next: 0,
    queued: 0,
    isLagging: false,
    lost: 0,
    lostEpoch: "",
    lostFrom: 0,
    lostTo: 0,
    isFull: false,
    isGone: false,
    replay: undefined,
    epoch: "",
    position: 0,
    past: "",
  };
}

/** Whether the reader is to be sent this message. */
export function owes({ reader, epoch, position, past }: Place, message: Message): boolean {
  if (message.epoch === epoch ? message.offset <= position : message.epoch === past) return false;
  return !(reader.skipsOwn && message.conn === reader.id);
}

/** The history says where the reader is. */
export function moveTo(place: Place, { epoch, offset }: Position): void {
  if (epoch !== place.epoch) place.past = place.epoch;
  place.epoch = epoch;
  place.position = offset;
}

/** It will never get this one, which waited for it. One of a newer epoch: nothing of the older waits any more. */
export function lose(place: Place, { epoch, offset }: Message): void {
  place.queued -= 1;
  place.lost += 1;
  if (epoch !== place.lostEpoch) place.lostTo = 0;
  place.lostEpoch = epoch;
  // Not always in the order of offsets: of two keys the newer value may come to the one that waited longer.
  if (place.lostTo === 0 || offset < place.lostFrom) place.lostFrom = offset;
  place.lostTo = Math.max(place.lostTo, offset);
}

/** All that waited for it is of an epoch that has ended. `next`: the delivery that it needs then. Answers how many it lost. */
export function loseAll(place: Place, next: number): number {
  // A replay finds out by itself: what is delivered is no business of its own until it is at the present.
  if (place.replay !== undefined) return 0;
  const { queued } = place;
  place.lost += queued;
  place.queued = 0;
  place.lostTo = 0;
  place.next = next;
  return queued;
}

/** Where a topic stands, for a gap to say. */
type Head = Position & { readonly topic: string };

/** The reader goes on in another epoch, from `head`. The first one it is in is no news. */
export function tellEpoch(place: Place, head: Head): void {
  const isFirst = place.epoch === "";
  place.epoch = head.epoch;
  place.position = head.offset;
  if (!isFirst) place.reader.gap?.({ ...head, reason: "epoch" });
}

/** What a reader must hear before this message: that it is of another epoch, and what it lost. */
export function tellGaps(place: Place, { epoch, offset }: Message, head: Head, isLatest: boolean): void {
  const { topic } = head;
  // The new epoch's gap says all of what was lost in the old one.
  if (epoch !== place.lostEpoch) place.lostTo = 0;
  const first = place.lostTo === 0 ? offset : Math.min(place.lostFrom, offset);
  if (epoch !== place.epoch) tellEpoch(place, { topic, epoch, offset: first - 1 });
  if (place.lostTo === 0) return;
  // The topic may be in a newer epoch by now, and a gap names offsets of one.
  tellLost(place, epoch === head.epoch ? head : { topic, epoch, offset: place.lostTo }, isLatest);
}

/** What it lost while it was slow. With `isLatest` the newest values follow, up to the head: they are among what the gap names. */
function tellLost(place: Place, head: Head, isLatest: boolean): void {
  const { lostFrom: from, lostTo } = place;
  place.lostTo = 0;
  place.reader.gap?.({
    ...head,
    from,
    ...(isLatest ? { to: head.offset, latest: true } : { to: lostTo }),
    reason: "slow",
  });
}

/** The history was evicted before it got there: the reader goes on after `to`. */
export function tellExpired(place: Place, head: Head, to: number): void {
  const from = place.position + 1;
  place.position = to;
  place.reader.gap?.({ ...head, from, to, reason: "expired" });
}
