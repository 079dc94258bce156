/** Chance that can be repeated: a generator whose sequence is known from its seed (Mulberry32), 0 to 1. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** FAIRLEAD_SEED, or one that nobody had yet; a test that fails names it. */
export const newSeed = () => Number(process.env["FAIRLEAD_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
