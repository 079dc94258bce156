/**
 * Contract between a stream that survives and those who keep it: the table that knows it by its sid, and the route whose upstreams and
 * options all its streams share.
 */
import type { Connection } from "../../connection.ts";
import type { BridgeEnd } from "../end.ts";
import type { Stage } from "../stage.ts";
import type { Upstream } from "../upstream.ts";
import type { StreamForm } from "./stream-form.ts";

export interface KeptStream extends BridgeEnd {
  readonly form: StreamForm;
  /** What the bridge calls its target, for rights. */
  readonly name: string;
  /** Bytes of memory that what it keeps takes now. */
  readonly footprint: number;
  /** Goes on with a client that has had everything up to `count`. False: it cannot be served from there, and nothing has changed. */
  resume(connection: Connection, count: number): boolean;
  /** Now and then: the ACK that is due, a look for stalls, and memory that nobody needs. */
  visit(now: number): void;
  /** Nobody comes back any more. */
  abandon(): void;
  /** It has waited in vain, or gives way to others. */
  expire(): void;
}

/** Who knows the streams of a route by their sid. */
export interface StreamKeeper {
  /** A new stream's sid. */
  enter(stream: KeptStream, user: string | null): string;
  /** The client is away, and may come back. `from`: its connection, which is closed. */
  park(stream: KeptStream, from: Connection): void;
  /** A stream that is parked may take more memory than before. */
  weigh(stream: KeptStream): void;
  /** The client is back. */
  unpark(stream: KeptStream): void;
  /** Nobody comes back to it. */
  forget(stream: KeptStream): void;
}

/** What all streams of a route share. */
export interface StreamHouse {
  readonly keeper: StreamKeeper;
  readonly stage: Stage;
  /** Bytes kept until the client acknowledges them. */
  readonly buffer: number;
  /** Milliseconds; 0 = however long. */
  readonly stallTimeout: number;
  /** The stream needs its upstream no more: what is left is written, then FIN. */
  leave(upstream: Upstream, left: Iterable<Uint8Array>): void;
  /** The upstream is gone for good. */
  gone(upstream: Upstream): void;
}
