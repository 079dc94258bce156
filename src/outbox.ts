/**
 * The slow-consumer policies for routes with one source per reader (echo, relay): `pause` stops reading from the source,
 * `close` ends the reader. Bound: highWater, plus what one read of the source still brings (at most 512 KiB of frames).
 * Fan-out has many readers per source and cannot pause it: `hub.ts`.
 */
import type { Connection } from "./connection.ts";

export interface OutboxLimits {
  readonly policy: "pause" | "close";
  /** Bytes that may wait for the reader; 0 = no limit. */
  readonly highWater: number;
}

/** The reader took less than it was sent: acts if too much waits. Call it only when `send` said so, it costs a native call. */
export function holdBack(reader: Connection, source: Connection, limits: OutboxLimits): void {
  if (limits.highWater === 0 || reader.buffered() <= limits.highWater) return;
  if (limits.policy === "pause") source.pause();
  else reader.close(1013, "slow consumer");
}

/** Whether a source that was paused for this reader may go on: below half the mark, so that it does not flutter. */
export function hasRoom(reader: Connection, limits: OutboxLimits): boolean {
  return reader.buffered() <= limits.highWater / 2;
}
