/** What the engines of one process say when they are closed, and how they report a callback of their caller that threw. */
import type { EngineError } from "../../engine.ts";
import { FairleadError } from "../../errors.ts";

/**
 * A callback that threw. `deliver`, `done` and `seen` name a route and its topic, `lost` a claim, `presence` a topic; `told` a kind of
 * message between nodes, `gone` and `announce` a node.
 */
export interface Fault {
  readonly stage: "deliver" | "done" | "seen" | "lost" | "presence" | "told" | "gone" | "announce";
  readonly route?: string;
  readonly name: string;
  readonly error: unknown;
}

/** MUST NOT throw. */
export type Report = (fault: Fault) => void;

const TEXT = "the engine is closed; nothing is kept or delivered any more";

export const DOWN: EngineError = { code: "engine_down", text: TEXT };

export const downError = () => new FairleadError("ENGINE_DOWN", TEXT);
