/**
 * Contract: what a client of a bridge talks to. A pipe is one for the whole life of one connection; a stream outlives connections, and is
 * one for each of them in turn. All hooks are those of the route, in the same order and under the same rules.
 */
import type { CloseInfo, Connection, Data } from "../connection.ts";
import type { CloseCode } from "../wire/close-codes.ts";

export interface BridgeEnd {
  /** What logs call the target; empty: there is none. */
  readonly target: string;
  /** Of a stream: the id of the connection that opened it. The log has it on the lines of all its connections. */
  readonly stream?: string | undefined;
  /** Bytes may flow. */
  open(connection: Connection): void;
  /** The client said something. */
  receive(data: Data): void;
  /** The client has taken some of what waited for it. */
  drainClient(): void;
  closeClient(connection: Connection, info: CloseInfo): void;
  /** The gateway stops: close the client with `code` once what is held has been handed over. */
  finish(code: CloseCode, reason: string): void;
}

/** Closes a client that was let in only to be told why not. */
export function refusedEnd(code: CloseCode, reason: string): BridgeEnd {
  return {
    target: "",
    open: (connection) => connection.close(code, reason),
    receive() {},
    drainClient() {},
    closeClient() {},
    finish() {},
  };
}
