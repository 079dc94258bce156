/**
 * The one error class of the gateway. Expected events (a peer left, a limit was reached) are values or closes, not exceptions.
 * A message says what happened, with which value, and what to do.
 */
export type ErrorCode = "CONFIG_INVALID" | "LISTEN_FAILED" | "ENGINE_DOWN" | "USAGE";

export class FairleadError extends Error {
  override readonly name = "FairleadError";
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** What the system calls it, like `ECONNREFUSED`, or what else there is to say of it. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/** An engine that is down is an answer to a client; anything else that is thrown is a bug. */
export function isEngineDown(error: unknown): error is FairleadError {
  return error instanceof FairleadError && error.code === "ENGINE_DOWN";
}
