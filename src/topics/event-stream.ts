/**
 * One reader over HTTP: a response of `text/event-stream` that stays open (WHATWG HTML, section 9.2).
 * It is a reader like any other: what waits for it is bounded by the route's `slow.highWater`, and one that takes nothing is cut.
 * A dropped client is noticed when the runtime cancels the stream.
 *
 * Limit: the runtime closes the socket of a stream that is cut only when its peer reads on, or when EVENT_STREAM_TIMEOUT_S are over.
 */
import type { Peer } from "../heartbeat.ts";
import { comment } from "../wire/sse.ts";

/** The runtime closes a socket on which nothing moved for so long. Comments come twice as often, so only a stalled one gets there. */
export const EVENT_STREAM_TIMEOUT_S = 30;

export interface EventStreamOptions {
  /** Bytes that may wait; 0 = no limit. */
  readonly highWater: number;
  /** Some of what waited has gone. */
  onDrain(): void;
  /** Exactly once, whoever ended it. `isCut`: its reader has not taken all, so the descriptor may be held for EVENT_STREAM_TIMEOUT_S more. */
  onGone(reason: string, isCut: boolean): void;
}

export interface EventStream extends Peer {
  readonly response: Response;
  /** Without effect once it is gone. */
  write(text: string): void;
  /** Ends it after what waits and, if there is any, a `last` event. */
  end(reason: string, last?: string): void;
}

const HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store",
  // The runtime would keep the connection for a next request, without a limit of time.
  Connection: "close",
  // nginx would otherwise hold events back until its buffer is full.
  "X-Accel-Buffering": "no",
};

export function createEventStream(options: EventStreamOptions): EventStream {
  const mark = options.highWater === 0 ? Number.MAX_SAFE_INTEGER : options.highWater;
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Bytes: all that was written, and what of it had been taken at the last look. */
  let written = 0;
  let taken = 0;

  const body = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
      },
      pull: () => options.onDrain(),
      cancel: () => gone("the client went away", false),
    },
    { highWaterMark: mark, size: (chunk) => chunk?.byteLength ?? 0 },
  );

  function gone(reason: string, isCut: boolean): void {
    if (controller === undefined) return;
    controller = undefined;
    options.onGone(reason, isCut);
  }

  function cut(_code: number, reason: string): void {
    controller?.error(new Error(reason));
    gone(reason, true);
  }

  const stream: EventStream = {
    response: new Response(body, { headers: HEADERS }),
    heard: true,
    drained: false,
    pingedAt: 0,
    waitingSince: 0,
    stalledSince: 0,
    isUnread: false,
    write(text) {
      if (controller === undefined) return;
      const bytes = Buffer.from(text);
      written += bytes.length;
      controller.enqueue(bytes);
    },
    buffered() {
      const waits = controller === undefined ? 0 : mark - (controller.desiredSize ?? mark);
      if (written - waits > taken) stream.drained = true;
      taken = written - waits;
      return waits;
    },
    ping: () => stream.write(comment()),
    end(reason, last = "") {
      const isBehind = stream.buffered() > 0;
      if (last !== "") stream.write(last);
      controller?.close();
      gone(reason, isBehind);
    },
    close: cut,
    terminate: cut,
  };
  return stream;
}
