/**
 * How much an oracle plays, and what. FAIRLEAD_RUNS and FAIRLEAD_SEED come from whoever wants more sequences, or those of another
 * run again.
 */
import type { Kind } from "./house.ts";

export const RUNS = Number(process.env["FAIRLEAD_RUNS"] ?? 200);
export const SEED = Number(process.env["FAIRLEAD_SEED"] ?? Date.now() % 2 ** 31);

export const KINDS: readonly Kind[] = [
  { kind: "feed", policy: "drop-oldest" },
  { kind: "feed", policy: "latest" },
  { kind: "room", policy: "close" },
  { kind: "room", policy: "drop-oldest" },
];
