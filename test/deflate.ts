/** What compressed messages are made of (RFC 7692 section 7.2), by node:zlib: a second opinion on what the runtime reads and writes. */
import { constants, deflateRawSync, inflateRawSync, type ZlibOptions } from "node:zlib";

/** Four bytes that end every flushed block, and that no message carries. */
const TAIL = Buffer.of(0x00, 0x00, 0xff, 0xff);

export const EXTENSIONS = "Sec-WebSocket-Extensions";
export const OFFER = { [EXTENSIONS]: "permessage-deflate; client_max_window_bits" };
/** RSV1 marks a compressed message (section 6). */
export const RSV1 = 4;

/** The payload of one compressed message. */
export function deflated(data: string | Uint8Array, options: ZlibOptions = {}): Buffer {
  const bytes = deflateRawSync(data, { ...options, finishFlush: constants.Z_SYNC_FLUSH });
  return bytes.subarray(0, bytes.length - TAIL.length);
}

/** What a compressed message says; throws if it is not whole. */
export function inflated(payload: Uint8Array): Buffer {
  return inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH });
}
