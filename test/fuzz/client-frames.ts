/** Frames as a client sends them, with masks that chance gives, so that a seed gives the same bytes again; and how a server reads them. */
import { OPCODE } from "../raw-client.ts";
import type { Chance } from "./chance.ts";

export interface ClientFrame {
  readonly opcode: number;
  readonly payload: Uint8Array;
  readonly fin: boolean;
  /** Bits 4, 2 and 1 are RSV1, RSV2 and RSV3. */
  readonly rsv: number;
  /** Undefined: not masked. */
  readonly mask: Uint8Array | undefined;
  /** The length it says it has. */
  readonly announced: bigint;
}

/** One message, whole. */
export interface Message {
  readonly isText: boolean;
  readonly payload: Uint8Array;
}

export const text = (payload: string): Message => ({ isText: true, payload: Buffer.from(payload) });
export const binary = (payload: Uint8Array): Message => ({ isText: false, payload });

export function frameOf(chance: Chance, opcode: number, payload: Uint8Array, fin = true): ClientFrame {
  return { opcode, payload, fin, rsv: 0, mask: chance.bytes(4), announced: BigInt(payload.length) };
}

/** A message in one frame, or now and then in several. */
export function framesOf(chance: Chance, { isText, payload }: Message): ClientFrame[] {
  const opcode = isText ? OPCODE.text : OPCODE.binary;
  if (!chance.is(0.15)) return [frameOf(chance, opcode, payload)];
  const cut = chance.below(payload.length + 1);
  return [
    frameOf(chance, opcode, payload.subarray(0, cut), false),
    frameOf(chance, OPCODE.continuation, payload.subarray(cut)),
  ];
}

export function encode({ opcode, payload, fin, rsv, mask, announced }: ClientFrame): Buffer {
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode, ...lengthOf(announced)];
  if (mask === undefined) return Buffer.concat([Buffer.from(head), payload]);
  head[1] = (head[1] ?? 0) | 0x80;
  return Buffer.concat([Buffer.from(head), mask, masked(payload, mask)]);
}

function lengthOf(length: bigint): readonly number[] {
  if (length < 126n) return [Number(length)];
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(length);
  return length < 0x10000n ? [126, ...bytes.subarray(6)] : [127, ...bytes];
}

function masked(payload: Uint8Array, mask: Uint8Array): Buffer {
  return Buffer.from(payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0)));
}

/** The frames that stand in these bytes, up to the first that is not whole. */
export function readFrames(bytes: Buffer): ClientFrame[] {
  const frames: ClientFrame[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const [first = 0, second = 0] = bytes.subarray(at);
    const short = second & 0x7f;
    const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
    if (start > bytes.length) break;
    const announced = short < 126 ? BigInt(short) : readLength(bytes.subarray(at + 2, start));
    const body = start + (second >= 0x80 ? 4 : 0);
    const end = BigInt(body) + announced;
    if (end > BigInt(bytes.length)) break;
    const mask = second >= 0x80 ? bytes.subarray(start, body) : undefined;
    const raw = bytes.subarray(body, Number(end));
    const payload = mask === undefined ? raw : masked(raw, mask);
    frames.push({
      opcode: first & 0x0f,
      fin: first >= 0x80,
      rsv: (first >> 4) & 7,
      mask,
      announced,
      payload,
    });
    at = Number(end);
  }
  return frames;
}

function readLength(bytes: Buffer): bigint {
  return bytes.length === 2 ? BigInt(bytes.readUInt16BE()) : bytes.readBigUInt64BE();
}

/** The messages in these frames, up to the first thing that RFC 6455 forbids: what a server must have seen. */
export function messagesIn(frames: readonly ClientFrame[]): Message[] {
  const messages: Message[] = [];
  let open: { isText: boolean; parts: Uint8Array[] } | undefined;
  for (const { opcode, fin, rsv, mask, payload } of frames) {
    if (rsv !== 0 || mask === undefined) break;
    if (opcode === OPCODE.ping || opcode === OPCODE.pong) {
      if (!fin || payload.length > 125) break;
      continue;
    }
    const isStart = opcode === OPCODE.text || opcode === OPCODE.binary;
    if (!isStart && opcode !== OPCODE.continuation) break;
    if (isStart === (open !== undefined)) break;
    open ??= { isText: opcode === OPCODE.text, parts: [] };
    open.parts.push(payload);
    if (!fin) continue;
    messages.push({ isText: open.isText, payload: Buffer.concat(open.parts) });
    open = undefined;
  }
  return messages;
}
