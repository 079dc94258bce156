/**
 * An upstream made of two streams, for what the runtime's own socket cannot be: a program has pipes, and a TLS socket of `Bun.connect` (1.4.5)
 * never says `drain` once a write was cut short, so that the rest would wait for ever.
 * Bounds: CHUNK_BYTES and the system's buffers towards the target, the stream's own mark (64 KiB) and one read from it.
 */
import type { Readable, Writable } from "node:stream";
import type { Upstream, UpstreamSlot } from "../upstream.ts";

export interface Streams {
  /** What the target says. */
  readonly from: Readable;
  readonly to: Writable;
  /** As of an Upstream. */
  readonly end: () => void;
  readonly terminate: () => void;
}

/** Past its mark a stream takes one more of these. What it holds at the end may be lost with it, so it never holds much. */
const CHUNK_BYTES = 64 * 1024;

export class StreamUpstream implements Upstream {
  readonly end: () => void;
  readonly terminate: () => void;
  private readonly from: Readable;
  private readonly to: Writable;
  private error: Error | undefined;
  /** By what `write` said: `writableNeedDrain` of a program's stdin is always false in Bun 1.4.5. */
  private isFull = false;
  private isClosed = false;

  constructor(
    readonly data: UpstreamSlot,
    { from, to, end, terminate }: Streams,
  ) {
    this.from = from;
    this.to = to;
    this.end = end;
    this.terminate = terminate;
    from.pause();
    from.on("data", (chunk: Buffer) => this.guard(() => data.handler?.data(chunk)));
    from.on("end", () => this.guard(() => data.handler?.end()));
    to.on("drain", () => this.drained());
    for (const stream of new Set([from, to])) stream.on("error", (error: Error) => this.fail(error));
  }

  write(bytes: Uint8Array): number {
    if (!this.to.writable) return -1;
    let taken = 0;
    while (taken < bytes.length && !this.isFull) {
      // The caller's memory is used again; a constructor copies.
      const chunk = new Uint8Array(bytes.subarray(taken, taken + CHUNK_BYTES));
      this.isFull = !this.to.write(chunk);
      taken += chunk.length;
    }
    return taken;
  }

  pause(): void {
    this.from.pause();
  }

  resume(): void {
    this.from.resume();
  }

  shutdown(): void {
    this.to.end();
  }

  /** From whoever made the streams: nothing will come of them any more. */
  closed(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const { handler, release, failed } = this.data;
    release();
    try {
      handler?.close(this.error);
    } catch (error) {
      failed(error);
    }
  }

  private drained(): void {
    this.isFull = false;
    this.guard(() => this.data.handler?.drain());
  }

  /** The next write is told so; what the target has said before is still to be read. */
  private fail(error: Error): void {
    this.error ??= error;
    this.guard(() => this.data.handler?.drain());
  }

  /** A handler that throws in an event of a stream would end the process. */
  private guard(run: () => void): void {
    if (this.isClosed) return;
    try {
      run();
    } catch (error) {
      this.data.failed(error);
      this.error = error instanceof Error ? error : new Error(String(error));
      this.closed();
      this.terminate();
    }
  }
}
