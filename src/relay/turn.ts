/**
 * Gathers what goes to one receiver in one turn of the event loop, so that it is handed over in one cork: in the hook of its sender
 * each message to somebody else would be a system call. One list for all, because the messages of one sender come in a row.
 * Bound: what one read brings (512 KiB of frames).
 */
import type { Data } from "../connection.ts";

export interface Turn<To> {
  add(to: To, data: Data): void;
  /** Hands over what is here for `to`, now. */
  flush(to: To): void;
}

/** `handOver` MUST NOT throw: nobody would be there to catch it. */
export function createTurn<To>(handOver: (to: To, messages: readonly Data[]) => void): Turn<To> {
  let receiver: To | undefined;
  let messages: Data[] = [];
  let isDue = false;

  function empty(): void {
    if (receiver === undefined) return;
    const [to, gathered] = [receiver, messages];
    receiver = undefined;
    messages = [];
    handOver(to, gathered);
  }

  // setImmediate runs after all frames of this turn; a microtask would run after each of them.
  function endTurn(): void {
    isDue = false;
    empty();
  }

  return {
    add(to, data) {
      if (receiver !== to) empty();
      receiver = to;
      messages.push(data);
      if (!isDue) setImmediate(endTurn);
      isDue = true;
    },
    flush(to) {
      if (receiver === to) empty();
    },
  };
}
