/** A bridge without a gateway: the test is the service behind it. */
import type { Bridge } from "../../../src/client/bridge.ts";

export interface FakeBridge {
  readonly bridge: Bridge;
  /** What it was told so far. */
  readonly heard: string;
  readonly hasEnd: boolean;
  /** While held, nothing that is written is taken. */
  hold(): void;
  flow(): void;
  say(text: string): void;
  end(): void;
  /** The stream is lost. */
  lose(error: Error): void;
  /** Why the bridge was ended on this side: by its signal, or by a reader that cancelled. */
  readonly endedBy: unknown;
}

export function fakeBridge(signal?: AbortSignal): FakeBridge {
  const closed = Promise.withResolvers<void>();
  closed.promise.catch(() => {});
  let down: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  let up: { error(error: unknown): void } | undefined;
  let heard = "";
  let hasEnd = false;
  let isSaid = false;
  let endedBy: unknown;
  let gate = Promise.resolve();
  let open = () => {};
  const decoder = new TextDecoder();

  const finish = () => {
    if (isSaid && hasEnd) closed.resolve();
  };
  const stop = (reason: unknown) => {
    endedBy = reason ?? "a reader left";
    closed.resolve();
  };
  const readable = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => {
      down = controller;
    },
    cancel: stop,
  });
  const writable = new WritableStream<Uint8Array>({
    start: (controller) => {
      up = controller;
    },
    async write(bytes) {
      await gate;
      heard += decoder.decode(bytes, { stream: true });
    },
    async close() {
      await gate;
      hasEnd = true;
      finish();
    },
    abort: stop,
  });
  signal?.addEventListener("abort", () => {
    stop(signal.reason);
    down?.error(signal.reason);
    up?.error(signal.reason);
  });
  return {
    bridge: {
      readable,
      writable,
      closed: closed.promise,
      status: { type: "open" },
      onStatus: () => () => {},
    },
    get heard() {
      return heard;
    },
    get hasEnd() {
      return hasEnd;
    },
    get endedBy() {
      return endedBy;
    },
    hold() {
      gate = new Promise((resolve) => {
        open = resolve;
      });
    },
    flow: () => open(),
    say: (text) => down?.enqueue(new TextEncoder().encode(text)),
    end() {
      isSaid = true;
      down?.close();
      finish();
    },
    lose(error) {
      down?.error(error);
      up?.error(error);
      closed.reject(error);
    },
  };
}

/** What has been asked for has happened. */
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
