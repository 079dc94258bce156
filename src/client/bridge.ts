/** `fairlead/client/bridge`: a TCP service behind a bridge as a pair of byte streams that outlive a lost connection. */
import { type BridgeStatus, BridgeStream, type OpenBridgeOptions } from "./bridge/stream.ts";
import type { Asked } from "./callers.ts";

export type { Delays } from "./backoff.ts";
export type { BridgeStatus, OpenBridgeOptions } from "./bridge/stream.ts";
export type { Asked } from "./callers.ts";
export { type ClientErrorCode, FairleadClientError } from "./errors.ts";
export type { LinkOptions } from "./link.ts";
export type { Clock } from "./timing.ts";
export type { Token } from "./token.ts";
export type { Ending, WebSocketConstructor, WebSocketLike } from "./web-socket-like.ts";

export interface Bridge {
  /** What the service says, each byte once. Not read: the service is made to wait once 1 MiB is on its way. Cancelling it ends the bridge. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** What the service is told. A write resolves when it fits into the 1 MiB that may be on its way; closing it, when the service was told all. */
  readonly writable: WritableStream<Uint8Array>;
  /** Resolves when it has ended in both directions, or by you. Rejects when it could not be opened or was lost. */
  readonly closed: Promise<void>;
  /** What happens now. */
  readonly status: BridgeStatus;
  /** Calls for each change from now on, until the function it returns is called. */
  onStatus(listener: (status: BridgeStatus) => void): () => void;
}

/**
 * Opens a stream through a bridge of a gateway, and takes it up again when a connection is lost. `url` may be a function, which is asked for each attempt.
 * Never throws for want of a network: both streams end with a FairleadClientError, `refused` or `lost`. Throws TypeError where the runtime has no WebSocket.
 */
export function openBridge(url: Asked<string | URL>, options: OpenBridgeOptions = {}): Bridge {
  const stream = new BridgeStream(url, options);
  return {
    readable: stream.inbox.readable,
    writable: stream.outbox.writable,
    closed: stream.closed,
    get status() {
      return stream.status;
    },
    onStatus: (listener) => stream.onStatus(listener),
  };
}
