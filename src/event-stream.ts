/**
 * One reader over HTTP: a response of `text/event-stream` that stays open (WHATWG HTML, section 9.2).
 * It is a reader like any other: what waits for it is bounded by the route's `slow.highWater`, and one that takes nothing is ended.
 * A dropped client is noticed when the runtime cancels the stream.
 */
import type { Peer } from "./heartbeat.ts";
import { comment } from "./wire/sse.ts";

export interface EventStreamOptions {
  /** Bytes that may wait; 0 = no limit. */
  readonly highWater: number;
  /** Some of what waited has gone. */
  onDrain(): void;
  /** Exactly once, whoever ended it. */
  onGone(): void;
}

export interface EventStream extends Peer {
  readonly response: Response;
  write(text: string): void;
  end(): void;
}

const HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store",
  // nginx would otherwise hold events back until its buffer is full.
  "X-Accel-Buffering": "no",
};

export function createEventStream(options: EventStreamOptions): EventStream {
  const mark = options.highWater === 0 ? Number.MAX_SAFE_INTEGER : options.highWater;
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let waited = 0;

  const body = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
      },
      pull: () => options.onDrain(),
      cancel: () => gone(),
    },
    { highWaterMark: mark, size: (chunk) => chunk?.byteLength ?? 0 },
  );

  function gone(): void {
    if (controller === undefined) return;
    controller = undefined;
    options.onGone();
  }

  function end(): void {
    controller?.close();
    gone();
  }

  const stream: EventStream = {
    response: new Response(body, { headers: HEADERS }),
    heard: true,
    drained: false,
    pingedAt: 0,
    waitingSince: 0,
    stalledSince: 0,
    isPaused: false,
    write(text) {
      controller?.enqueue(Buffer.from(text));
    },
    buffered() {
      const waits = controller === undefined ? 0 : mark - (controller.desiredSize ?? mark);
      if (waits < waited) stream.drained = true;
      waited = waits;
      return waits;
    },
    ping: () => stream.write(comment()),
    end,
    close: end,
    terminate: end,
  };
  return stream;
}
