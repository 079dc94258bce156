/**
 * Gathers what goes to one receiver in one turn of the event loop, so that it is handed over in one cork: outside of its own
 * hook each message is a system call. One list for all, because what one read brings for somebody comes in a row.
 * Bound: what one read brings (512 KiB of frames, or the answers of the engine to what it was asked).
 */

export interface Turn<To, Item> {
  add(to: To, item: Item): void;
  /** Hands over what is here for `to`, now. */
  flush(to: To): void;
}

/** `handOver` MUST NOT throw: nobody would be there to catch it. */
export function createTurn<To, Item>(handOver: (to: To, items: readonly Item[]) => void): Turn<To, Item> {
  let receiver: To | undefined;
  let items: Item[] = [];
  let isDue = false;

  function empty(): void {
    if (receiver === undefined) return;
    const [to, gathered] = [receiver, items];
    receiver = undefined;
    items = [];
    handOver(to, gathered);
  }

  // setImmediate runs after all frames of this turn; a microtask would run after each of them.
  function endTurn(): void {
    isDue = false;
    empty();
  }

  return {
    add(to, item) {
      if (receiver !== to) empty();
      receiver = to;
      items.push(item);
      if (!isDue) setImmediate(endTurn);
      isDue = true;
    },
    flush(to) {
      if (receiver === to) empty();
    },
  };
}
