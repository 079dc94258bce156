/**
 * Contract: one WebSocket from upgrade to close, as routes see it. The listener implements it; nobody else touches the socket.
 *
 * Delivery: at most once, in order. `send` hands bytes to the runtime, it does not wait for the peer; what the runtime
 * still holds when a connection ends is reported as `unflushed_bytes`, never counted as received by anybody.
 */

import type { Identity, May } from "./identity.ts";

/** One whole message: text is a string, binary is bytes. Bytes belong to the receiver, nobody writes into them again. */
export type Data = string | Uint8Array;

/** How a connection ended. `reason` is at most 123 bytes of UTF-8. `local`: this gateway decided it. */
export interface CloseInfo {
  readonly code: number;
  readonly reason: string;
  readonly local: boolean;
}

/**
 * The listener MUST call a route's `open` once, then `message` in the order of arrival, then `close` exactly once.
 * It MUST NOT call `message` after `close`, nor after the route has called `close` or `terminate` here.
 * A route MUST NOT keep a connection after its `close` hook, and MUST expect that hook to run inside its own call of
 * `close` or `terminate`.
 */
export interface Connection<State = unknown> {
  /** Opaque, unique across nodes and restarts; the 101 response and every log line carry it. */
  readonly id: string;
  /** Decoded parameters of the path, each 1 to 255 bytes without control characters. */
  readonly params: Readonly<Record<string, string>>;
  readonly remoteAddress: string;
  /** Who speaks. A client of fairlead.v1 may change it while it is connected, never its user. */
  readonly identity: Identity;
  /** Of the identity. */
  readonly user: string | null;
  /** Whether the identity has a right on this route, now. */
  readonly may: May;
  /** The route's own memory of this connection: what its `admit` returned as `state`, else what its `open` puts here. */
  state: State;
  /** False once `close` or `terminate` was called or the peer is gone; calls below are then without effect. */
  readonly isOpen: boolean;
  /**
   * Hands one message to the runtime. False: some of it waits, so look at `buffered()`. One that holds a `"secret"` is never
   * compressed: its size would tell of the secret, where a stranger chose what stands beside it.
   */
  send(data: Data, holds?: "secret"): boolean;
  /** Gathers what `run` sends into few writes. The runtime's hooks are so by themselves; elsewhere each `send` is a system call. */
  cork<T>(run: () => T): T;
  /** Bytes that wait in the runtime for this peer. Bytes in the kernel are not seen. */
  buffered(): number;
  /** Stops reading from the peer. Frames already read (one read, at most 512 KiB) still arrive. */
  pause(): void;
  resume(): void;
  readonly isPaused: boolean;
  /** Joins the native channel: `Publisher.publish` to it then reaches this connection. */
  subscribe(channel: string): void;
  unsubscribe(channel: string): void;
  /** Sends a close frame after what is queued; a peer that reads nothing is cut by the runtime after some seconds. */
  close(code: number, reason: string): void;
  /** Cuts the connection without a close frame; `code` is what logs and counters show. */
  terminate(code: number, reason: string): void;
}

/**
 * Native fan-out. An implementation MUST reach every connection of every live listener that joined the channel,
 * except `except`, in the order of the calls, also relative to `Connection.send` on the same connection.
 */
export interface Publisher {
  /** `compressFrom`: bytes from which the message is compressed for who asked for that; absent: it is not. */
  publish(channel: string, data: Data, except?: Connection, compressFrom?: number): void;
}
