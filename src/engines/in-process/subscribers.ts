/** Who hears a topic in this process. A list is replaced, never changed: a delivery under way keeps the one it began with. */
import type { Deliver, Message } from "../../engine.ts";

/** Gets what is past `from`; a closed one gets nothing, because nothing is past Infinity. */
export interface Subscriber {
  readonly deliver: Deliver;
  from: number;
}
export type Subscribers = readonly Subscriber[];

export type OnThrow = (message: Message, error: unknown) => void;

/** `onThrow` is told of each `deliver` that threw; the others get the message all the same. */
export function hand(subscribers: Subscribers, message: Message, onThrow: OnThrow): void {
  for (const subscriber of subscribers) {
    if (message.offset <= subscriber.from) continue;
    try {
      subscriber.deliver(message);
    } catch (error) {
      onThrow(message, error);
    }
  }
}

/** They get nothing more, not even the message under way. */
export function silence(subscribers: Subscribers): void {
  for (const subscriber of subscribers) subscriber.from = Number.POSITIVE_INFINITY;
}
