/** Frames of fairlead.v1 from the client's side. Bytes travel behind a header, everything else is JSON text. */
import { joinFrame, splitFrame } from "../wire/binary-frame.ts";
import type { Message, ServerFrame } from "./items.ts";

export type Frame = string | Uint8Array<ArrayBuffer>;

/** Data as it was when it was given: JSON text, or a copy of the bytes. Undefined: JSON has no word for it. */
export type Body = string | Uint8Array;

export function bodyOf(data: unknown): Body | undefined {
  if (data instanceof ArrayBuffer) return new Uint8Array(data.slice(0));
  if (!ArrayBuffer.isView(data)) return JSON.stringify(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}

export function encodeFrame(fields: object, body?: Body): Frame {
  const header = JSON.stringify(fields);
  if (body === undefined) return header;
  if (typeof body === "string") return `${header.slice(0, -1)},"data":${body}}`;
  return joinFrame(header, body) as Uint8Array<ArrayBuffer>;
}

/** Throws when it is no frame. */
export function decodeFrame(raw: unknown): ServerFrame {
  if (typeof raw === "string") return JSON.parse(raw);
  const split = splitFrame(new Uint8Array(raw as ArrayBuffer));
  if (typeof split === "string") throw new SyntaxError(split);
  return { ...JSON.parse(split.header), data: split.payload };
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
  return frame.length * 3 > bytes && new TextEncoder().encode(frame).length > bytes;
}
