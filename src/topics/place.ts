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
