/**
 * Frames of fairlead.v1 from the client's side: JSON text, or for bytes a u16 length, that many bytes of JSON, and the bytes. Fewer checks than
 * in wire/binary-frame.ts, whose texts a page need not load: what is no such frame fails as a RangeError or as JSON.
 */
import { copyBytes, sizeOf } from "./callers.ts";
import type { Message, ServerFrame } from "./items.ts";

export type Frame = string | Uint8Array<ArrayBuffer>;

/** Data as it was when it was given: JSON text, or a copy of the bytes. Undefined: JSON has no word for it. */
export type Body = string | Uint8Array;

export function bodyOf(data: unknown): Body | undefined {
  return copyBytes(data) ?? JSON.stringify(data);
}

export function encodeFrame(fields: object, body?: Body): Frame {
  const header = JSON.stringify(fields);
  if (body === undefined) return header;
  if (typeof body === "string") return `${header.slice(0, -1)},"data":${body}}`;
  const head = new TextEncoder().encode(header);
  const frame = new Uint8Array(2 + head.length + body.length);
  new DataView(frame.buffer).setUint16(0, head.length);
  frame.set(head, 2);
  frame.set(body, 2 + head.length);
  return frame;
}

/** Throws when it is no frame. */
export function decodeFrame(raw: unknown): ServerFrame {
  if (typeof raw === "string") return JSON.parse(raw);
  const bytes = raw as ArrayBuffer;
  const end = 2 + new DataView(bytes).getUint16(0);
  const header = new TextDecoder().decode(new Uint8Array(bytes, 2, end - 2));
  return { ...JSON.parse(header), data: new Uint8Array(bytes.slice(end)) };
}

/** A message of an event or of a page of history, where bytes are in base64. */
export function messageOf(from: object, topic: string, epoch: string): Message {
  const { offset, data, base64, time, conn, user, key } = from as Message & { base64?: string };
  const bytes = base64 === undefined ? data : Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return { type: "message", topic, epoch, offset, data: bytes, time, conn, user, key };
}

/** Whether it has more than so many bytes of UTF-8. A UTF-16 unit is at most three: most texts need not be encoded to know. */
export function isOver(frame: Frame, bytes: number): boolean {
  if (typeof frame !== "string") return frame.length > bytes;
  return frame.length * 3 > bytes && sizeOf(frame) > bytes;
}
