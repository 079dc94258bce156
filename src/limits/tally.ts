/** How many of something each holder has, up to a maximum. A holder is forgotten with its last, so strangers leave nothing behind. */
export interface Tally {
  /** False: the holder has as many as it may, and nothing was counted. */
  take(holder: string): boolean;
  give(holder: string): void;
  /** Holders that have any. */
  readonly size: number;
}

/** `max` 0: any number, and nothing is counted. */
export function createTally(max: number): Tally {
  const held = new Map<string, number>();
  return {
    take(holder) {
      if (max === 0) return true;
      const count = held.get(holder) ?? 0;
      if (count >= max) return false;
      held.set(holder, count + 1);
      return true;
    },
    give(holder) {
      const count = held.get(holder) ?? 0;
      if (count > 1) held.set(holder, count - 1);
      else held.delete(holder);
    },
    get size() {
      return held.size;
    },
  };
}
