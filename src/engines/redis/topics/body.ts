/**
 * A message as bytes, without its position: u32 length of all, u8 flags, u16 lengths of key, conn and user, these three, then the data.
 * Bodies may stand one after another: each knows where it ends. What Redis returns is trusted no further than its lengths.
 */
import type { Message, OutMessage } from "../../../engine.ts";

const BINARY = 1;
const JSON_TEXT = 2;
const KEY = 4;
const CONN = 8;
const USER = 16;
export const HEAD_BYTES = 11;

export function encodeBody({ data, json, key, conn, user }: OutMessage, size: number): Buffer {
  const lengths = [key, conn, user].map((text) => (text === undefined ? 0 : Buffer.byteLength(text)));
  const [keyBytes = 0, connBytes = 0, userBytes = 0] = lengths;
  const bytes = HEAD_BYTES + keyBytes + connBytes + userBytes + size;
  const body = Buffer.allocUnsafe(bytes);
  body.writeUInt32BE(bytes, 0);
  body[4] =
    (typeof data === "string" ? 0 : BINARY) |
    (json ? JSON_TEXT : 0) |
    (key === undefined ? 0 : KEY) |
    (conn === undefined ? 0 : CONN) |
    (user === undefined ? 0 : USER);
  body.writeUInt16BE(keyBytes, 5);
  body.writeUInt16BE(connBytes, 7);
  body.writeUInt16BE(userBytes, 9);
  let at = HEAD_BYTES;
  for (const text of [key, conn, user]) if (text !== undefined) at += body.write(text, at);
  if (typeof data === "string") body.write(data, at);
  else body.set(data, at);
  return body;
}

/** Bytes of the body that begins at `at`; throws RangeError when it does not end within `bytes`. */
export function bodyLength(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at);
  if (length < HEAD_BYTES || at + length > bytes.length)
    throw new RangeError("a message from Redis is cut short");
  return length;
}

/** The place a message has. */
export interface Placed {
  readonly topic: string;
  readonly epoch: string;
  readonly offset: number;
  readonly time: number;
}

/** The message whose body begins at `at`. */
export function decodeBody(bytes: Buffer, at: number, { topic, epoch, offset, time }: Placed): Message {
  const end = at + bodyLength(bytes, at);
  const flags = bytes[at + 4] ?? 0;
  const keyAt = at + HEAD_BYTES;
  const connAt = keyAt + bytes.readUInt16BE(at + 5);
  const userAt = connAt + bytes.readUInt16BE(at + 7);
  const dataAt = userAt + bytes.readUInt16BE(at + 9);
  if (dataAt > end) throw new RangeError("a message from Redis is cut short");
  const isBinary = (flags & BINARY) !== 0;
  return {
    topic,
    epoch,
    offset,
    time,
    size: end - dataAt,
    // A copy: the bytes that came share their memory with what came beside them.
    data: isBinary ? new Uint8Array(bytes.subarray(dataAt, end)) : bytes.toString("utf8", dataAt, end),
    json: (flags & JSON_TEXT) !== 0,
    key: (flags & KEY) === 0 ? undefined : bytes.toString("utf8", keyAt, connAt),
    conn: (flags & CONN) === 0 ? undefined : bytes.toString("utf8", connAt, userAt),
    user: (flags & USER) === 0 ? undefined : bytes.toString("utf8", userAt, dataAt),
  };
}

/** What one call published: `EPOCH FIRST TIME`, a line end, bodies. */
export interface Batch {
  readonly epoch: string;
  /** Offset of the first. */
  readonly first: number;
  readonly time: number;
  /** Where the first body begins. */
  readonly at: number;
}

const LINE_END = 10;

export function decodeBatch(bytes: Buffer): Batch {
  const end = bytes.indexOf(LINE_END);
  const [epoch = "", first, time] = bytes.toString("latin1", 0, end).split(" ");
  return { epoch, first: Number(first), time: Number(time), at: end + 1 };
}
