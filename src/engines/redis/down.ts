/** How this engine says that Redis did not answer: one error for promises, one for callbacks. */
import type { EngineError } from "../../engine.ts";
import { FairleadError } from "../../errors.ts";

export const downError = (text: string, cause?: unknown) => new FairleadError("ENGINE_DOWN", text, { cause });

const UNANSWERED = Symbol("unanswered");

/** It was sent, and no answer came: it may or may not have happened. */
export const unansweredError = (text: string) => downError(text, UNANSWERED);

export const isUnanswered = (error: unknown): boolean => error instanceof Error && error.cause === UNANSWERED;

/** A rejection of a call as an answer to a client. What Redis said is for the log: a client learns only that it has to come back. */
export const downAnswer = (error: unknown): EngineError => ({
  code: "engine_down",
  text: error instanceof FairleadError ? error.message : "the engine is not available; try again later",
});
