/** What the fan-out of one topic is told about its route. */
import type { Log } from "../log.ts";
import type { LiveOptions } from "./live.ts";

export interface FanOutOptions extends LiveOptions {
  readonly log: Log;
  /** What happens past the mark: `close` ends the reader; the others skip what the backlog could not hold. */
  readonly policy: "close" | "drop-oldest" | "latest";
  /** Bytes; 0 = as many as a backlog may hold. */
  readonly highWater: number;
}
