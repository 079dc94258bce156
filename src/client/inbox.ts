/**
 * Between the connection and whoever reads a subscription: an async iterator or a listener, never both. Limit: `MAX_INBOX` entries that nobody
 * has taken; `push` says when it is full, `drained` when half of it is free again. What is in it when it ends is still handed out.
 */
import { tell } from "./callers.ts";
import type { FairleadClientError } from "./errors.ts";

export const MAX_INBOX = 1_024;

export interface Inbox<T> {
  /** True: it is full now, and takes nothing more in until `drained`. */
  push(item: T): boolean;
  /** The reader wants no more: what is in it goes too. */
  leave(): void;
  /** With an error the iterator throws it, and `listen` rejects with it. */
  end(error?: FairleadClientError): void;
  iterate(): AsyncIterator<T, undefined>;
  /** Resolves at the end. */
  listen(listener: (item: T) => void): Promise<void>;
}

interface Ends<T> {
  /** Just before the reader gets it. */
  taken(item: T): void;
  drained(): void;
  /** The reader wants no more. */
  left(): void;
}

export function createInbox<T>({ taken, drained, left }: Ends<T>): Inbox<T> {
  const items: T[] = [];
  const finished = Promise.withResolvers<void>();
  finished.promise.catch(() => {}); // whoever awaits the end of `listen` hears it; who does not has the status
  const takers: PromiseWithResolvers<IteratorResult<T, undefined>>[] = [];
  let listener: ((item: T) => void) | undefined;
  let isRead = false;
  let full = false;
  let over: { error?: FairleadClientError | undefined } | undefined;

  const claim = () => {
    if (isRead) throw new TypeError("a subscription has one reader: `for await` or `listen`");
    isRead = true;
  };

  const take = (): T | undefined => {
    const item = items.shift();
    if (item === undefined) return undefined;
    taken(item);
    if (full && items.length <= MAX_INBOX / 2) {
      full = false;
      drained();
    }
    return item;
  };

  const end = (error?: FairleadClientError) => {
    if (over !== undefined) return;
    over = { error };
    for (const taker of takers.splice(0)) taker.resolve(last());
    if (error === undefined) finished.resolve();
    else finished.reject(error);
  };

  /** The error is thrown once; after that it is simply over. */
  const last = (): Promise<IteratorResult<T, undefined>> => {
    const error = over?.error;
    over = {};
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  };

  const leave = () => {
    items.length = 0;
    left();
    end();
  };

  return {
    end,
    leave,
    push(item) {
      const taker = takers.shift();
      if (over !== undefined) return false;
      if (taker === undefined && (listener === undefined || items.length > 0)) {
        full = items.push(item) >= MAX_INBOX;
        return full;
      }
      taken(item);
      if (listener !== undefined) tell(listener, item);
      else taker?.resolve({ done: false, value: item });
      return false;
    },
    iterate() {
      claim();
      return {
        next() {
          const item = take();
          if (item !== undefined) return Promise.resolve({ done: false, value: item });
          if (over !== undefined) return last();
          const taker = Promise.withResolvers<IteratorResult<T, undefined>>();
          takers.push(taker);
          return taker.promise;
        },
        return() {
          leave();
          return last();
        },
      };
    },
    listen(given) {
      claim();
      listener = given;
      for (let item = take(); item !== undefined; item = take()) tell(given, item);
      return finished.promise;
    },
  };
}
