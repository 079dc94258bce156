/**
 * A binary frame of fairlead.v1, both directions: length of the header as u16, big endian; the header, a JSON object as text; then
 * the payload, which is all the rest and may be empty. Pure.
 */
import { decodeUtf8 } from "./utf8.ts";

/** What a u16 can say. */
export const MAX_HEADER_BYTES = 0xffff;
const PREFIX = 2;

const encoder = new TextEncoder();

export interface BinaryFrame {
  readonly header: string;
  /** A copy: to keep it keeps nothing of the frame. */
  readonly payload: Uint8Array;
}

/** A string says why this is no such frame. */
export function splitFrame(frame: Uint8Array): BinaryFrame | string {
  if (frame.length < PREFIX)
    return `a binary frame of ${frame.length} bytes has no room for its u16 header length`;
  const end = PREFIX + new DataView(frame.buffer, frame.byteOffset).getUint16(0);
  if (end > frame.length)
    return `a binary frame announces a header of ${end - PREFIX} bytes and has ${frame.length - PREFIX}`;
  const header = decodeUtf8(frame.subarray(PREFIX, end));
  if (header === undefined) return "the header of a binary frame is not UTF-8";
  return { header, payload: new Uint8Array(frame.subarray(end)) };
}

/** Throws a RangeError when the header is longer than MAX_HEADER_BYTES. */
export function joinFrame(header: string, payload: Uint8Array): Uint8Array {
  const bytes = encoder.encode(header);
  if (bytes.length > MAX_HEADER_BYTES)
    throw new RangeError(`header of ${bytes.length} bytes; a binary frame takes ${MAX_HEADER_BYTES}`);
  const frame = new Uint8Array(PREFIX + bytes.length + payload.length);
  new DataView(frame.buffer).setUint16(0, bytes.length);
  frame.set(bytes, PREFIX);
  frame.set(payload, PREFIX + bytes.length);
  return frame;
}
