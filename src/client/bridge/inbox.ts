/**
 * What comes over a bridge, as a byte stream that is filled only when it is read: so the count of what was read is exact, and is what the
 * server is told. Bound: the window, which its owner holds the server to. An end or an error is heard after the bytes before it.
 */
import { ByteQueue } from "./byte-queue.ts";

interface Controller {
  enqueue(bytes: Uint8Array<ArrayBuffer>): void;
  close(): void;
  error(error: unknown): void;
  /** Where the runtime has byte streams, and a reader brings memory of its own. */
  readonly byobRequest?: { readonly view: ArrayBufferView | null; respond(bytes: number): void } | null;
}

export interface InboxOwner {
  /** The application has read some of it. */
  taken(): void;
  /** The application wants no more. */
  cancelled(reason: unknown): void;
}

export class Inbox {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** What the application has read since the stream began; the end that it was told counts 1. */
  taken = 0;
  readonly #owner: InboxOwner;
  readonly #queue = new ByteQueue();
  #controller: Controller | undefined;
  /** A read waits. */
  #isWanted = false;
  #isHeld = false;
  #hasEnd = false;
  #failure: { readonly error: unknown } | undefined;
  #isOver = false;

  constructor(owner: InboxOwner) {
    this.#owner = owner;
    this.readable = byteStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        this.#isWanted = true;
        this.#give();
      },
      cancel: (reason) => {
        this.#isOver = true;
        this.#queue.clear();
        owner.cancelled(reason);
      },
    });
  }

  /** What came since the stream began. */
  get received(): number {
    return this.taken + this.#queue.size + (this.#hasEnd && !this.#isOver ? 1 : 0);
  }

  /** The other side said that no more follows. */
  get hasEnd(): boolean {
    return this.#hasEnd;
  }

  /** The application was told the end. */
  get isTaken(): boolean {
    return this.#hasEnd && this.#isOver;
  }

  add(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#isOver) return;
    const isDirect = this.#isWanted && this.#queue.size === 0 && this.#controller?.byobRequest == null;
    if (isDirect) this.#enqueue(bytes);
    else this.#queue.add(bytes);
    this.#give();
  }

  end(): void {
    this.#hasEnd = true;
    this.#give();
  }

  /** What has not been read is not handed out for now: it may come again. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#give();
  }

  /** What has not been read comes again. */
  restart(): void {
    this.#queue.clear();
    if (!this.#isOver) this.#hasEnd = false;
    this.release();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.release();
  }

  /** Hands out what there is, as far as it is wanted, and then the end. */
  #give(): void {
    if (this.#isHeld || this.#isOver) return;
    if (this.#isWanted) this.#serve();
    if (this.#queue.size > 0 || this.#isOver) return;
    if (this.#hasEnd) this.#close();
    else if (this.#failure !== undefined) {
      this.#isOver = true;
      this.#controller?.error(this.#failure.error);
    }
  }

  #serve(): void {
    const request = this.#controller?.byobRequest;
    if (request?.view) {
      const { buffer, byteOffset, byteLength } = request.view;
      const bytes = this.#queue.read(new Uint8Array(buffer, byteOffset, byteLength));
      if (bytes > 0) this.#hand(bytes, () => request.respond(bytes));
    } else {
      const bytes = this.#queue.take();
      if (bytes !== undefined) this.#enqueue(bytes);
    }
  }

  #enqueue(bytes: Uint8Array<ArrayBuffer>): void {
    this.#hand(bytes.length, () => this.#controller?.enqueue(bytes));
  }

  /** Counts first: the stream may ask for more inside the call. */
  #hand(bytes: number, run: () => void): void {
    this.#isWanted = false;
    this.taken += bytes;
    run();
    this.#owner.taken();
  }

  #close(): void {
    this.#isOver = true;
    this.taken += 1;
    this.#controller?.close();
    this.#controller?.byobRequest?.respond(0);
    this.#owner.taken();
  }
}

interface Source {
  start(controller: Controller): void;
  pull(): void;
  cancel(reason: unknown): void;
}

/** A byte stream where the runtime has them; elsewhere one of bytes, without readers that bring their memory. */
function byteStream(source: Source): ReadableStream<Uint8Array<ArrayBuffer>> {
  try {
    return new ReadableStream({ ...source, type: "bytes" });
  } catch {
    return new ReadableStream(source, { highWaterMark: 0 });
  }
}
