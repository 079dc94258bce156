/** Contract between a connection and its session: what a session needs of it beyond what routes see. */
import type { Entry, Guest } from "../reception/auth-gate.ts";

export interface SessionHost {
  /** Its client has shown nothing yet, and must. */
  readonly waits: boolean;
  /** Who a token speaks for. Undefined: tokens are not looked at here. */
  check(token: string): Entry | Promise<Entry> | undefined;
  /** The connection is this guest's from now on. False: that user has as many as one may have. */
  identify(guest: Guest): boolean;
  /** The route is about to learn of the connection. False: a hook of the config threw, and it is closed. */
  entering(): boolean;
  /** A command failed after its hook had returned. */
  fail(stage: string, error: unknown): void;
}
