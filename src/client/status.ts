/** What happens to a session, as one union. */
import type { FairleadClientError } from "./errors.ts";

export type Status =
  /** An attempt begins; 1 is the first since the session was open. */
  | { readonly type: "connecting"; readonly attempt: number }
  /** `user` is null for one without a token, `expires` in unix milliseconds. */
  | {
      readonly type: "open";
      readonly conn: string;
      readonly user: string | null;
      readonly kind: string;
      readonly node: string;
      readonly heartbeat: number;
      readonly maxMessage: number;
      readonly expires?: number | undefined;
    }
  /** The next attempt begins after `retryIn` ms. `cause`: what the last one failed with, where that is known. */
  | {
      readonly type: "away";
      readonly code: number;
      readonly reason: string;
      readonly retryIn: number;
      readonly cause?: unknown;
    }
  /** The server will close this connection within so many ms; the next attempt begins `retry` ms after that. */
  | { readonly type: "draining"; readonly within: number; readonly retry: number }
  /** Something went wrong that no command waits for; the session goes on. Never `session.status`. */
  | { readonly type: "error"; readonly error: FairleadClientError }
  /** The end. `error` is absent when it was you who closed. */
  | {
      readonly type: "closed";
      readonly code: number;
      readonly reason: string;
      readonly error?: FairleadClientError;
    };

export type OpenStatus = Extract<Status, { type: "open" }>;
