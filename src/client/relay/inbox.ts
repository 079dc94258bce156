/**
 * Between the connection and whoever reads a relay: one async iterator at a time. An item is taken when the next one is asked for, or
 * the loop is left. Limit: `MAX_INBOX` items; whoever pushes looks at `isFull` before. At the end what is still in it is let go.
 */
import type { FairleadClientError } from "../errors.ts";

const MAX_INBOX = 1_024;

type Result<T> = IteratorResult<T, undefined>;

interface Entry<T> {
  readonly item: T;
  taken(): void;
}

export class RelayInbox<T> {
  readonly #items: Entry<T>[] = [];
  readonly #takers: PromiseWithResolvers<Result<T>>[] = [];
  /** Handed out; its reader has not asked for the next one. */
  #given: Entry<T> | undefined;
  #reader: object | undefined;
  #over: { error?: FairleadClientError | undefined } | undefined;

  get isFull(): boolean {
    return this.#items.length >= MAX_INBOX;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  push(item: T, taken: () => void): void {
    this.#items.push({ item, taken });
    this.#serve();
  }

  /** With an error the iterator throws it, once. */
  end(error?: FairleadClientError): void {
    this.#over = { error };
    this.#items.length = 0;
    this.#given = undefined;
    for (const taker of this.#takers.splice(0)) taker.resolve(this.#last());
  }

  /** @throws TypeError while there is another one */
  iterate(): AsyncIterator<T, undefined> {
    if (this.#reader !== undefined)
      throw new TypeError("a relay has one reader at a time: leave the other loop first");
    const reader = {
      next: () => {
        const taker = Promise.withResolvers<Result<T>>();
        if (this.#reader !== reader) taker.resolve(DONE);
        else if (this.#over !== undefined) taker.resolve(this.#last());
        else this.#takers.push(taker);
        this.#confirm();
        this.#serve();
        return taker.promise;
      },
      return: async () => {
        if (this.#reader !== reader) return DONE;
        this.#confirm();
        for (const taker of this.#takers.splice(0)) taker.resolve(DONE);
        this.#reader = undefined;
        return DONE;
      },
    };
    this.#reader = reader;
    return reader;
  }

  #serve(): void {
    while (this.#takers.length > 0 && this.#items.length > 0) {
      this.#confirm();
      this.#given = this.#items.shift();
      if (this.#given !== undefined) this.#takers.shift()?.resolve({ done: false, value: this.#given.item });
    }
    // Who asks ahead has taken what is before.
    if (this.#takers.length > 0) this.#confirm();
  }

  #confirm(): void {
    const entry = this.#given;
    this.#given = undefined;
    entry?.taken();
  }

  #last(): Promise<Result<T>> | Result<T> {
    const error = this.#over?.error;
    this.#over = {};
    this.#reader = undefined;
    return error === undefined ? DONE : Promise.reject(error);
  }
}

const DONE = { done: true, value: undefined } as const;
