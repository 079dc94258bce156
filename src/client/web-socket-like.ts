/**
 * The part of a WHATWG WebSocket that the library uses, so that any implementation of it can be given: the one of a browser, of Node,
 * Bun or Deno, the package `ws`. Handlers take `never`, because each implementation has event types of its own.
 */
export interface WebSocketLike {
  readonly url: string;
  readonly protocol: string;
  readonly extensions: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(data: string | ArrayBuffer | Uint8Array<ArrayBuffer> | Blob): void;
  close(code?: number, reason?: string): void;
}

export type WebSocketConstructor = new (url: string, protocols?: string | string[]) => WebSocketLike;

/** What can be sent. Bytes are copied when they have to wait. */
export type SendData = string | Blob | ArrayBufferLike | ArrayBufferView;

/** How a connection ended: 1006 with a reason of ours where nobody closed it properly. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
  /** What the attempt failed with, where that is known. */
  readonly cause?: unknown;
}

/** The runtime's own WebSocket; an error that says what to do where there is none. */
export function webSocketOf(given: WebSocketConstructor | undefined): WebSocketConstructor {
  const found = given ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (found === undefined)
    throw new TypeError("no WebSocket here: use Node >= 22, or give options.WebSocket");
  return found;
}
