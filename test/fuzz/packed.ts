/** permessage-deflate (RFC 7692) without context takeover, as both sides here speak it: one message, one stream. */
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { OPCODE } from "../raw-client.ts";
import type { ClientFrame } from "./client-frames.ts";

export const EXTENSION = "permessage-deflate";
export const RSV1 = 4;
const TAIL = Buffer.of(0, 0, 0xff, 0xff);
const FLUSH = { finishFlush: constants.Z_SYNC_FLUSH };
/** More than any message of the gateway that is fuzzed. */
const MAX_INFLATED = 4 * 1024 * 1024;

export function packed(payload: Uint8Array): Buffer {
  return deflateRawSync(payload, FLUSH).subarray(0, -TAIL.length);
}

/** Throws what is no stream. */
export function unpacked(payload: Uint8Array): Buffer {
  return inflateRawSync(Buffer.concat([payload, TAIL]), { ...FLUSH, maxOutputLength: MAX_INFLATED });
}

/** As it would have come without compression. Throws what is no stream. */
export function withoutPacking(frame: ClientFrame): ClientFrame {
  const isPacked = frame.rsv === RSV1 && frame.fin && frame.opcode <= OPCODE.binary;
  return isPacked ? { ...frame, rsv: 0, payload: unpacked(frame.payload) } : frame;
}
