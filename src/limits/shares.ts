/**
 * What clients left behind and may come back for, when that is too much: whoever has the most gives way, with what is the oldest of it.
 * So nobody pushes out what others left by leaving more, and one who has less than all others loses nothing.
 * Cost: a look at every holder, only when something has to give way.
 */
export interface SharesOptions {
  /** Items; 0 = any number. */
  readonly max: number;
  /** The weight of all; 0 = any. */
  readonly total: number;
}

export interface Shares<T> {
  add(item: T, holder: string, weight: number): void;
  /** It weighs so much now. Without effect on one that is not here. */
  weigh(item: T, weight: number): void;
  delete(item: T): void;
  /** What has to give way: its owner MUST delete it. Undefined: all are within the bounds. */
  excess(): T | undefined;
  readonly count: number;
  readonly weight: number;
}

interface Holder<T> {
  /** The weights, the oldest item first. */
  readonly items: Map<T, number>;
  weight: number;
}

export function createShares<T>({ max, total }: SharesOptions): Shares<T> {
  /** Those who hold anything, who began first first. */
  const holders = new Map<string, Holder<T>>();
  const names = new Map<T, string>();
  let weight = 0;

  function change(item: T, to: (holder: Holder<T>, before: number) => number): void {
    const name = names.get(item);
    const holder = name === undefined ? undefined : holders.get(name);
    if (name === undefined || holder === undefined) return;
    const before = holder.items.get(item) ?? 0;
    const change = to(holder, before) - before;
    holder.weight += change;
    weight += change;
    if (holder.items.size === 0) holders.delete(name);
  }

  function weigh(item: T, to: number): void {
    change(item, ({ items }) => {
      items.set(item, to);
      return to;
    });
  }

  return {
    add(item, name, weight) {
      const holder = holders.get(name) ?? { items: new Map(), weight: 0 };
      holders.set(name, holder);
      names.set(item, name);
      holder.items.set(item, 0);
      weigh(item, weight);
    },
    weigh,
    delete(item) {
      change(item, ({ items }) => {
        items.delete(item);
        return 0;
      });
      names.delete(item);
    },
    excess() {
      if (max > 0 && names.size > max)
        return most(holders, ({ items }) => items.size)
          ?.items.keys()
          .next().value;
      if (total === 0 || weight <= total) return undefined;
      // What weighs nothing would make no room.
      const heaviest = most(holders, (holder) => holder.weight)?.items ?? [];
      for (const [item, own] of heaviest) if (own > 0) return item;
      return undefined;
    },
    get count() {
      return names.size;
    },
    get weight() {
      return weight;
    },
  };
}

/** Of several that have the most the first. */
function most<T>(holders: ReadonlyMap<string, Holder<T>>, sizeOf: (holder: Holder<T>) => number) {
  let found: Holder<T> | undefined;
  for (const holder of holders.values()) {
    if (found === undefined || sizeOf(holder) > sizeOf(found)) found = holder;
  }
  return found;
}
