/**
 * The shape of a WHATWG WebSocket over connections that come and go, for code that takes a WebSocket or its constructor.
 * `open` and `close` are told for each connection. While it is away `readyState` is CONNECTING and what is sent waits, up to a bound; CLOSED
 * is the end. What was sent shortly before a loss may be lost with it: no WebSocket tells what has arrived.
 */
import { type Asked, asked, copyBytes, sizeOf } from "./callers.ts";
import { FairleadClientError } from "./errors.ts";
import { type Address, keepLink, type Link, type LinkOptions } from "./link.ts";
import { planRetries } from "./retries.ts";
import type { Ending, SendData, WebSocketLike } from "./web-socket-like.ts";

/** Past either, `send` throws `buffer_full` while there is no connection. */
export const MAX_WAITING = 256;
export const MAX_WAITING_BYTES = 1024 * 1024;

export interface SocketCloseEvent extends Event, Ending {}

interface SocketEvents {
  open: Event;
  message: MessageEvent;
  error: Event;
  close: SocketCloseEvent;
}

type Handler<E> = ((event: E) => void) | null;

export class ReconnectingSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;

  onopen: Handler<Event> = null;
  onmessage: Handler<MessageEvent> = null;
  onerror: Handler<Event> = null;
  onclose: Handler<SocketCloseEvent> = null;

  #state: 0 | 1 | 2 | 3 = 0;
  #binaryType: "blob" | "arraybuffer" = "blob";
  #socket: WebSocketLike | undefined;
  #waiting: SendData[] = [];
  #bytes = 0;
  readonly #url: Asked<string | URL>;
  readonly #link: Link;

  /** @throws SyntaxError for an address or subprotocols that are none, as WebSocket does */
  constructor(url: Asked<string | URL>, protocols: Asked<string | string[]> = [], options: LinkOptions = {}) {
    super();
    this.#url = url;
    // As a listener, a handler that throws harms nobody else.
    for (const type of ["open", "message", "error", "close"] as const) {
      this.addEventListener(type, (event: Event) => this[`on${type}`]?.(event as never));
    }
    const asks = typeof url === "function" || typeof protocols === "function";
    this.#link = keepLink(
      {
        address: () =>
          asks ? ask(url, protocols) : { url: String(url), protocols: protocols as string | string[] },
        dialed: (socket) => {
          this.#socket = socket;
          socket.binaryType = this.#binaryType;
        },
        opened: () => this.#opened(),
        message: (data) => {
          if (this.#state === 1) this.dispatchEvent(new MessageEvent("message", { data }));
        },
        closed: (ending, retryIn) => this.#closed(ending, retryIn === undefined),
      },
      planRetries(asks, options),
      options,
    );
  }

  override addEventListener<K extends keyof SocketEvents>(
    type: K,
    listener: Handler<SocketEvents[K]> | { handleEvent(event: SocketEvents[K]): void },
    options?: boolean | AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener as EventListener, options);
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#state;
  }

  /** Empty until a function that gives it was asked. */
  get url(): string {
    return this.#socket?.url ?? (typeof this.#url === "function" ? "" : String(this.#url));
  }

  get protocol(): string {
    return this.#socket?.protocol ?? "";
  }

  get extensions(): string {
    return this.#socket?.extensions ?? "";
  }

  /** Bytes that wait here or in the connection. */
  get bufferedAmount(): number {
    return this.#bytes + (this.#socket?.bufferedAmount ?? 0);
  }

  get binaryType(): "blob" | "arraybuffer" {
    return this.#binaryType;
  }

  set binaryType(type: "blob" | "arraybuffer") {
    if (type !== "blob" && type !== "arraybuffer") return; // as an enumeration of WebIDL does
    this.#binaryType = type;
    if (this.#socket !== undefined) this.#socket.binaryType = type;
  }

  /** Waits for a connection where there is none; the order is kept. After `close` it is discarded, as WebSocket does. @throws FairleadClientError `buffer_full` */
  send(data: SendData): void {
    if (this.#state === 1) {
      this.#socket?.send(data as ArrayBuffer);
      return;
    }
    const bytes = data instanceof Blob ? data.size : sizeOf(data);
    if (this.#state === 0) this.#wait(data, bytes);
    this.#bytes += bytes;
  }

  /** For good. @throws InvalidAccessError, SyntaxError as WebSocket does */
  close(code?: number, reason?: string): void {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code < 5000)) {
      throw new DOMException(`close code ${code}: use 1000, 3000 to 4999`, "InvalidAccessError");
    }
    if (reason !== undefined && sizeOf(reason) > 123) {
      throw new DOMException("a close reason has at most 123 bytes", "SyntaxError");
    }
    if (this.#state >= 2) return;
    this.#state = 2;
    this.#link.close(code, reason);
  }

  #wait(data: SendData, bytes: number): void {
    const { length } = this.#waiting;
    if (length >= MAX_WAITING || this.#bytes + bytes > MAX_WAITING_BYTES) {
      const text = `${length} messages of ${this.#bytes} bytes wait for a connection: wait for its open event`;
      throw new FairleadClientError("buffer_full", text);
    }
    this.#waiting.push(copyBytes(data) ?? data);
  }

  /** What waited goes first, so that messages arrive in the order of `send`. */
  #opened(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    this.#state = 1;
    for (const data of waiting) this.#socket?.send(data as ArrayBuffer);
    this.dispatchEvent(new Event("open"));
  }

  #closed(ending: Ending, last: boolean): void {
    if (last) this.#waiting = [];
    if (this.#state < 2 || last) this.#state = last ? 3 : 0;
    if (!ending.wasClean) this.dispatchEvent(Object.assign(new Event("error"), { error: ending.cause }));
    this.dispatchEvent(Object.assign(new Event("close"), ending));
  }
}

async function ask(url: Asked<string | URL>, protocols: Asked<string | string[]>): Promise<Address> {
  return { url: String(await asked(url)), protocols: await asked(protocols) };
}
