/**
 * The newest value of each key, in the order in which the keys began to wait. Bounded in keys and bytes: past either the longest waiting
 * key gives way, never the value that has just come. Whatever gives way is returned, so that nobody is forgotten.
 */

/** Any value can be a key; `undefined` is one too. */
export type Key = string | symbol | undefined;

export interface Sized {
  /** Bytes. */
  readonly size: number;
}

export interface Newest<T extends Sized> {
  /** The values that gave way to this one: the older one of its key first, then the longest waiting ones. */
  put(key: Key, value: T): readonly T[];
  /** Takes the longest waiting one. */
  shift(): T | undefined;
}

export interface NewestBounds {
  readonly keys: number;
  /** Unless the newest value alone is larger. */
  readonly bytes: number;
}

interface Slot<T> {
  readonly key: Key;
  value: T;
}

export function createNewest<T extends Sized>(max: NewestBounds): Newest<T> {
  const slots = new Map<Key, Slot<T>>();
  // The order beside the map, because a map that loses its oldest entry again and again walks over the holes.
  let order: Slot<T>[] = [];
  let first = 0;
  let bytes = 0;

  /** Takes the longest waiting slot, or the one after it where that is the one to keep. */
  function take(kept?: Slot<T>): Slot<T> | undefined {
    let slot = order[first];
    if (slot !== undefined && slot === kept) {
      slot = order[first + 1];
      order[first + 1] = kept;
    }
    if (slot === undefined) return undefined;
    first += 1;
    slots.delete(slot.key);
    bytes -= slot.value.size;
    if (first > order.length / 2) {
      order = order.slice(first);
      first = 0;
    }
    return slot;
  }

  function replace(slot: Slot<T>, value: T): T {
    const older = slot.value;
    slot.value = value;
    return older;
  }

  function append(key: Key, value: T): Slot<T> {
    const slot = { key, value };
    slots.set(key, slot);
    order.push(slot);
    return slot;
  }

  return {
    put(key, value) {
      const known = slots.get(key);
      const gone = known === undefined ? [] : [replace(known, value)];
      const slot = known ?? append(key, value);
      bytes += value.size - (gone[0]?.size ?? 0);
      while (slots.size > 1 && (slots.size > max.keys || bytes > max.bytes)) {
        const oldest = take(slot);
        if (oldest === undefined) break;
        gone.push(oldest.value);
      }
      return gone;
    },
    shift: () => take()?.value,
  };
}
