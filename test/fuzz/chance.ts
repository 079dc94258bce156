/** Chance that can be repeated: what is drawn is known from a seed, the name of what is fuzzed, and the number of the input. */
import { seeded } from "../seeded.ts";

export interface Chance {
  /** An integer from 0 to `n - 1`. */
  below(n: number): number;
  /** True in `share` of all cases. */
  is(share: number): boolean;
  /** Throws when there is nothing to pick from. */
  pick<T>(list: readonly T[]): T;
  bytes(count: number): Buffer;
  /** So many things as `make` makes them, `least` to `most`. */
  some<T>(least: number, most: number, make: (nth: number) => T): T[];
}

export function chanceOf(seed: number, name: string, input: number): Chance {
  const draw = seeded(mixed(`${seed} ${name} ${input}`));
  const below = (n: number) => Math.floor(draw() * n);
  return {
    below,
    is: (share) => draw() < share,
    pick(list) {
      const at = below(list.length);
      if (at >= list.length) throw new Error("there is nothing to pick from");
      return list[at] as (typeof list)[number];
    },
    bytes: (count) => Buffer.from(Uint8Array.from({ length: count }, () => below(256))),
    some: (least, most, make) =>
      Array.from({ length: least + below(most - least + 1) }, (_, nth) => make(nth)),
  };
}

/** FNV-1a, 32 bits: neighbours in number are no neighbours in chance. */
function mixed(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}
