/** The one error class of the library. `code` is stable: the server's words, and those below for what happens on this side. */
import type { WireErrorCode } from "../wire/error-codes.ts";

/**
 * unknown: sent, and no answer will come: it may or may not have happened, exactly once if so.
 * expired, dropped: what became of a message in a relay. replaced: another connection has taken this one's place.
 * buffer_full: more waits to be sent than may. closed: the session is over, nothing was sent. aborted: by a signal of yours; `cause` is its reason.
 * unsupported: the other side does not speak the subprotocol. broken: a frame that cannot be read. token: the token could not be had.
 * refused: a bridge was not opened. lost: a bridge's stream was, and cannot go on.
 */
export type ClientErrorCode =
  | WireErrorCode
  | "unknown"
  | "expired"
  | "dropped"
  | "replaced"
  | "buffer_full"
  | "closed"
  | "aborted"
  | "unsupported"
  | "broken"
  | "token"
  | "refused"
  | "lost";

export class FairleadClientError extends Error {
  override readonly name = "FairleadClientError";
  readonly code: ClientErrorCode;
  /** Milliseconds after which to try again, where the server says so. */
  readonly retry: number | undefined;

  constructor(
    code: ClientErrorCode,
    message: string,
    options: { cause?: unknown; retry?: number | undefined } = {},
  ) {
    super(message, options);
    this.code = code;
    this.retry = options.retry;
  }
}
