/** How the memory engine says what it cannot do: it fails only when it is closed, or when a callback of its caller throws. */
import type { EngineError } from "../../engine.ts";
import { FairleadError } from "../../errors.ts";

/** A callback that threw. `deliver` and `seen` name a route and its topic, `lost` a claim, `presence` a topic. */
export interface Fault {
  readonly stage: "deliver" | "seen" | "lost" | "presence";
  readonly route?: string;
  readonly name: string;
  readonly error: unknown;
}

/** MUST NOT throw. */
export type Report = (fault: Fault) => void;

const TEXT = "the memory engine is closed; nothing is kept or delivered any more";

export const DOWN: EngineError = { code: "engine_down", text: TEXT };

export const downError = () => new FairleadError("ENGINE_DOWN", TEXT);
