/** A reader of a topic whose messages are numbers: what came, in its order, and a wait for the last of them. */
import type { Item, Session } from "../../src/client/index.ts";
import { within } from "./program.ts";

export interface NumberReader {
  readonly got: number[];
  /** Items that are no messages. */
  readonly other: Item[];
  /** Resolves once `last` was the last that came; fails after so many seconds. */
  has(last: number, seconds: number): Promise<void>;
  readonly ready: Promise<unknown>;
}

/** Reads until the session is closed. `topic` absent: that of the URL's path. */
export function readNumbers(session: Session, topic?: string): NumberReader {
  const got: number[] = [];
  const waiting = new Set<() => void>();
  const other: Item[] = [];
  const subscription = session.subscribe(topic);
  void subscription.listen((item) => {
    if (item.type === "message") got.push(Number(item.data));
    else other.push(item);
    for (const look of waiting) look();
  });
  const has = (last: number, seconds: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (got.at(-1) === last) resolve();
    };
    waiting.add(look);
    look();
    return within(seconds, promise, () => `${last} did not come; the last was ${got.at(-1)}`);
  };
  return { got, other, has, ready: subscription.ready };
}

/** So many numbers, from `from` on. */
export const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
