/** The two forms in which a stream that survives is spoken: the same frames under different rules. */
import {
  BRIDGE_PROTOCOL,
  MAX_DATA,
  MAX_SSH_DATA,
  SSH_PROTOCOL,
  WINDOW_BYTES,
} from "../../wire/bridge-frames.ts";

export interface StreamForm {
  readonly protocol: string;
  /** Bytes in one DATA. */
  readonly maxData: number;
  /** Bytes that may be under way without an ACK, each way. */
  readonly window: number;
  /** A DATA of length 0 ends a direction and counts 1; else the target's end is close 1000. */
  readonly halfCloses: boolean;
  /** A client is held back by not reading its frames, ACKs among them. */
  readonly pauses: boolean;
}

export const BRIDGE_FORM: StreamForm = {
  protocol: BRIDGE_PROTOCOL,
  maxData: MAX_DATA,
  window: WINDOW_BYTES,
  halfCloses: true,
  pauses: false,
};

/** The published relay form of SSH clients in browsers. Its clients know no window. */
export const SSH_FORM: StreamForm = {
  protocol: SSH_PROTOCOL,
  maxData: MAX_SSH_DATA,
  window: Number.POSITIVE_INFINITY,
  halfCloses: false,
  pauses: true,
};
