/**
 * Frames of byte streams that survive a lost connection: subprotocol `fairlead.bridge.v1`, and the published SSH relay's v4 form under `ssh`.
 * Each is one binary message, big endian, and begins with a u16 tag. Pure.
 * Limits: `maxData` bytes in a DATA, counts up to 2^53 - 1. A frame that breaks a rule is told with the close code it earns.
 */

export const BRIDGE_PROTOCOL = "fairlead.bridge.v1";
export const SSH_PROTOCOL = "ssh";

export const TAG = { connectSuccess: 0x0001, reconnectSuccess: 0x0002, data: 0x0004, ack: 0x0007 } as const;

/** Bytes of payload in one DATA. */
export const MAX_DATA = 65_536;
export const MAX_SSH_DATA = 16_384;
/** What stands before the payload of a DATA: tag and length. */
export const DATA_HEADER = 6;
/** Bytes that a sender may have under way without an ACK; one more closes with 1008. */
export const WINDOW_BYTES = 1024 * 1024;
/** An ACK goes out at the latest after so many bytes were passed on, or so many milliseconds after the first of them. */
export const ACK_BYTES = 64 * 1024;
export const ACK_MS = 500;
/** Milliseconds between two ACKs of a server that has nothing else to say. */
export const IDLE_ACK_MS = 5_000;
/** A client that has heard nothing for so many milliseconds gives its connection up, and resumes. */
export const SILENCE_MS = 15_000;

export type BridgeFrame =
  | { readonly type: "connected"; readonly sid: string }
  | { readonly type: "reconnected"; readonly count: number }
  /** `bytes` is a view of the frame. None: the half-close of this direction, which counts 1. */
  | { readonly type: "data"; readonly bytes: Uint8Array }
  | { readonly type: "ack"; readonly count: number };

/** What is wrong, and the code to close with. */
export interface BadFrame {
  readonly type: "bad";
  readonly code: 1002 | 1009;
  readonly text: string;
}

const TAG_BYTES = 2;
const COUNT_FRAME = TAG_BYTES + 8;
const U32 = 0x1_0000_0000;

/** What a URL takes as it is. Servers choose the form of their own; it is never empty. */
const SID = /^[\w.~-]{1,255}$/;

const latin1 = new TextDecoder("latin1");
const encoder = new TextEncoder();

/** Undefined: a tag nobody knows here, to be ignored. `maxData`: MAX_DATA or MAX_SSH_DATA. */
export function readFrame(frame: Uint8Array, maxData: number): BridgeFrame | BadFrame | undefined {
  if (frame.length < TAG_BYTES)
    return bad(`a frame begins with a u16 tag, this one has ${frame.length} bytes`);
  switch (u16(frame, 0)) {
    case TAG.data:
      return readData(frame, maxData);
    case TAG.ack:
      return readCount("ack", frame);
    case TAG.connectSuccess:
      return readConnected(frame);
    case TAG.reconnectSuccess:
      return readCount("reconnected", frame);
    default:
      return undefined;
  }
}

/** Bytes of payload, if this is a DATA as it should be; else -1, and `readFrame` says what it is. Costs nothing but the look. */
export function dataLength(frame: Uint8Array, maxData: number): number {
  const length = frame.length - DATA_HEADER;
  const isData = length >= 0 && length <= maxData && frame[0] === 0 && frame[1] === TAG.data;
  return isData && u32(frame, TAG_BYTES) === length ? length : -1;
}

export function connectFrame(sid: string): Uint8Array<ArrayBuffer> {
  return withLength(TAG.connectSuccess, encoder.encode(sid));
}

export function reconnectFrame(count: number): Uint8Array<ArrayBuffer> {
  return countFrame(TAG.reconnectSuccess, count);
}

export function ackFrame(count: number): Uint8Array<ArrayBuffer> {
  return countFrame(TAG.ack, count);
}

/** A copy of the bytes as one DATA; of none, the half-close. */
export function dataFrame(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return withLength(TAG.data, bytes);
}

/** Makes a DATA of what stands DATA_HEADER bytes behind `at`, for those who lay payload and header out themselves. */
export function writeDataHeader(into: Uint8Array, at: number, length: number): void {
  writeHeader(into, at, TAG.data, length);
}

function readData(frame: Uint8Array, maxData: number): BridgeFrame | BadFrame {
  const problem = lengthProblem("DATA", frame);
  if (problem !== undefined) return problem;
  const length = frame.length - DATA_HEADER;
  if (length > maxData) return { type: "bad", code: 1009, text: `DATA of ${length} bytes, limit ${maxData}` };
  return { type: "data", bytes: frame.subarray(DATA_HEADER) };
}

function readConnected(frame: Uint8Array): BridgeFrame | BadFrame {
  const problem = lengthProblem("CONNECT_SUCCESS", frame);
  if (problem !== undefined) return problem;
  const sid = latin1.decode(frame.subarray(DATA_HEADER));
  return SID.test(sid) ? { type: "connected", sid } : bad("CONNECT_SUCCESS has a sid that no URL takes");
}

function readCount(type: "ack" | "reconnected", frame: Uint8Array): BridgeFrame | BadFrame {
  const name = type === "ack" ? "ACK" : "RECONNECT_SUCCESS";
  if (frame.length !== COUNT_FRAME) return bad(`${name} has ${COUNT_FRAME} bytes, this one ${frame.length}`);
  const count = u32(frame, TAG_BYTES) * U32 + u32(frame, TAG_BYTES + 4);
  return Number.isSafeInteger(count) ? { type, count } : bad(`${name} with a count above 2^53 - 1`);
}

function lengthProblem(name: string, frame: Uint8Array): BadFrame | undefined {
  if (frame.length < DATA_HEADER)
    return bad(`${name} has a length of 4 bytes, this one ends after ${frame.length}`);
  const [announced, there] = [u32(frame, TAG_BYTES), frame.length - DATA_HEADER];
  return announced === there ? undefined : bad(`${name} announces ${announced} bytes and has ${there}`);
}

function bad(text: string): BadFrame {
  return { type: "bad", code: 1002, text };
}

function withLength(tag: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(DATA_HEADER + bytes.length);
  writeHeader(frame, 0, tag, bytes.length);
  frame.set(bytes, DATA_HEADER);
  return frame;
}

function countFrame(tag: number, count: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(COUNT_FRAME);
  frame[1] = tag;
  writeU32(frame, TAG_BYTES, Math.floor(count / U32));
  writeU32(frame, TAG_BYTES + 4, count);
  return frame;
}

function writeHeader(into: Uint8Array, at: number, tag: number, length: number): void {
  into[at] = tag >>> 8;
  into[at + 1] = tag;
  writeU32(into, at + TAG_BYTES, length);
}

function writeU32(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x1_0000 + u16(bytes, at + 2);
}
