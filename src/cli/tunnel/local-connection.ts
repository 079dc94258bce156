/**
 * One connection of a local program, joined to a bridge: bytes and half-closes both ways, the slow side makes the fast one wait.
 * Bounds: towards the bridge HIGH_WATER and one read beside its window; towards the program what one read of the bridge brings.
 * A bridge that is lost resets the connection, so that its program notices. A program that goes away ends its bridge.
 */
import type { Socket } from "bun";
import type { Bridge } from "../../client/bridge.ts";

export type LocalSocket = Pick<
  Socket,
  "write" | "pause" | "resume" | "shutdown" | "end" | "terminate" | "setNoDelay"
>;

/** Bytes that may wait for the bridge before the program is not read any more. */
const HIGH_WATER = 256 * 1024;

export class LocalConnection {
  /** Resolves when it is over. */
  readonly done: Promise<void>;
  readonly #socket: LocalSocket;
  readonly #bridge: Bridge;
  readonly #writer: ReturnType<Bridge["writable"]["getWriter"]>;
  readonly #gone = new AbortController();
  /** Bytes that the bridge did not take yet. */
  #waiting = 0;
  #isPaused = false;
  #drained = () => {};
  /** The bridge has said all. */
  #isTold = false;

  constructor(socket: LocalSocket, open: (signal: AbortSignal) => Bridge) {
    this.#socket = socket;
    this.#bridge = open(this.#gone.signal);
    this.#writer = this.#bridge.writable.getWriter();
    socket.setNoDelay(true);
    this.done = this.#run();
  }

  /** From the program. */
  data(bytes: Uint8Array): void {
    this.#waiting += bytes.length;
    this.#writer.write(bytes).then(() => {
      this.#waiting -= bytes.length;
      this.#pace();
    }, ignored);
    this.#pace();
  }

  drain(): void {
    this.#drained();
  }

  /** The program's FIN. */
  end(): void {
    this.#writer.close().catch(ignored);
  }

  /** It is gone, both ways. After our FIN the runtime tells the program's only by this. */
  close(error: Error | undefined): void {
    if (this.#isTold && error === undefined) this.end();
    else this.abort("the local program went away");
  }

  /** Ends the bridge at once, and the connection: a program that does not read is not waited for. */
  abort(reason: string): void {
    this.#gone.abort(new Error(reason));
    this.#drained();
  }

  #pace(): void {
    const isFull = this.#waiting > HIGH_WATER;
    if (isFull === this.#isPaused) return;
    this.#isPaused = isFull;
    if (isFull) this.#socket.pause();
    else this.#socket.resume();
  }

  async #run(): Promise<void> {
    try {
      for await (const bytes of this.#bridge.readable) await this.#deliver(bytes);
      this.#isTold = true;
      this.#socket.shutdown();
      await this.#bridge.closed;
      this.#socket.end();
    } catch {
      this.#socket.terminate();
    }
  }

  async #deliver(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      const taken = this.#socket.write(rest);
      if (taken < 0 || this.#gone.signal.aborted) throw new Error("the local program takes nothing any more");
      rest = rest.subarray(taken);
      if (rest.length > 0) await this.#room();
    }
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }
}

/** The bridge's end is heard where it is read. */
const ignored = () => {};
