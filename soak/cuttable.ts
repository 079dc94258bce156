/** WebSockets of the library whose link can be cut under it, as a network does. */
import type { WebSocketConstructor } from "../src/client/index.ts";

export interface Cuttable {
  readonly WebSocket: WebSocketConstructor;
  /** Ends the present link without a close frame. */
  cut(): void;
}

export function cuttable(): Cuttable {
  let present: WebSocket | undefined;
  return {
    // The library calls `new`, so it must be a class.
    WebSocket: class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        present = this;
      }
    },
    cut: () => present?.terminate(),
  };
}

/** What the library's streams and relays tell of themselves. */
interface Told {
  readonly status: { readonly type: string };
  onStatus(listener: (status: { readonly type: string }) => void): () => void;
}

/** Resolves when it is open for the first time, rejects when it ended instead. */
export function opened(told: Told): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const look = ({ type }: { readonly type: string }) => {
    if (type === "open") resolve();
    if (type === "closed") reject(new Error(`it ended before it was open: ${JSON.stringify(told.status)}`));
  };
  const stop = told.onStatus(look);
  look(told.status);
  return promise.finally(stop);
}
