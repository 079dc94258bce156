/** What all peers of one relay route have in common where several nodes share its groups. */
import type { SharedRelay } from "../../relays.ts";
import type { VoiceDeps } from "../plain-voice.ts";
import type { Away } from "./away.ts";

export interface SharedParts extends VoiceDeps {
  readonly groups: SharedRelay;
  readonly away: Away;
  /** Milliseconds that a message may wait; Infinity = without end. */
  readonly ttl: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}
