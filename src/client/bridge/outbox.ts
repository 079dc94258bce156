/**
 * What is written into a bridge: kept until the other side has passed it on, and sent again after a loss. A write waits while a window is under
 * way, so that is all it ever holds. Closing is the half-close; it is done when that, too, was passed on.
 */
import { dataFrame, MAX_DATA, WINDOW_BYTES } from "../../wire/bridge-frames.ts";
import { ByteQueue } from "./byte-queue.ts";

type Send = (frame: Uint8Array<ArrayBuffer>) => void;

interface Controller {
  readonly signal: AbortSignal;
  error(error: unknown): void;
}

const HALF_CLOSE = new Uint8Array();

export class Outbox {
  readonly writable: WritableStream<Uint8Array>;
  /** Not passed on yet. */
  readonly #kept = new ByteQueue();
  /** Passed on since the stream began; the half-close counts 1. */
  #count = 0;
  #isClosing = false;
  #isDone = false;
  #send: Send | undefined;
  #controller: Controller | undefined;
  /** What waits for an acknowledgement: a stream has one write, or its close, at a time. */
  #waiter: { resolve(): void; reject(error: unknown): void } | undefined;

  /** `onAbort`: whoever writes gives up. */
  constructor(onAbort: (reason: unknown) => void) {
    this.writable = new WritableStream<Uint8Array>({
      start: (given) => {
        const controller = given as unknown as Controller;
        this.#controller = controller;
        // The stream's own hook comes only after a write that waits, and that may wait for ever.
        controller.signal.addEventListener("abort", () => onAbort(controller.signal.reason));
      },
      write: async (chunk) => {
        try {
          await this.#write(bytesOf(chunk));
        } catch (error) {
          onAbort(error);
          throw error;
        }
      },
      close: () => this.#close(),
    });
  }

  /** The half-close was passed on, and all before it. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Nothing that was written is under way. */
  get isEmpty(): boolean {
    return this.#kept.size === 0;
  }

  /** There is a connection: what was not passed on goes out, and all that follows. */
  opened(send: Send): void {
    this.#send = send;
    for (const part of this.#kept.parts()) send(dataFrame(part));
    if (this.#isClosing && !this.#isDone) send(dataFrame(HALF_CLOSE));
  }

  lost(): void {
    this.#send = undefined;
  }

  /** So many were passed on since the stream began. False: it was not sent as many, or it said more before. */
  passedOn(count: number): boolean {
    const fresh = count - this.#count;
    const last = this.#isClosing && !this.#isDone ? 1 : 0;
    if (fresh < 0 || fresh > this.#kept.size + last) return false;
    this.#count = count;
    this.#isDone ||= fresh > this.#kept.size;
    this.#kept.drop(fresh);
    if (this.#isDone || !this.#isClosing) this.#waiter?.resolve();
    return true;
  }

  fail(error: unknown): void {
    this.#send = undefined;
    this.#controller?.error(error);
    this.#waiter?.reject(error);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      const part = rest.subarray(0, Math.min(await this.#room(), MAX_DATA));
      this.#kept.add(part);
      this.#send?.(dataFrame(part));
      rest = rest.subarray(part.length);
    }
  }

  async #close(): Promise<void> {
    await this.#room();
    this.#isClosing = true;
    this.#send?.(dataFrame(HALF_CLOSE));
    await this.#answer();
  }

  /** Bytes that may go out now, at least one. */
  async #room(): Promise<number> {
    while (this.#kept.size >= WINDOW_BYTES) await this.#answer();
    return WINDOW_BYTES - this.#kept.size;
  }

  #answer(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }
}

function bytesOf(chunk: unknown): Uint8Array {
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new TypeError(`a bridge carries bytes, not ${typeof chunk}: encode text with TextEncoder`);
}
