/** Whether what the gateway said to an input may be said to anything at all: a status of the table, frames as RFC 6455 has them, a code that is documented. */
import { CLOSE_CODES } from "../../src/wire/close-codes.ts";
import { OPCODE } from "../raw-client.ts";
import { type ClientFrame, readFrames } from "./client-frames.ts";
import { EXTENSION, withoutPacking } from "./packed.ts";

export interface Verdict {
  /** Of each answer, in order. */
  readonly statuses: readonly number[];
  /** What the gateway sent after a 101. */
  readonly frames: readonly ClientFrame[];
  /** What the client sent behind its first head. */
  readonly sent: readonly ClientFrame[];
}

const STATUS = /(?:^|\n)HTTP\/1\.1 (\d{3}) /g;
const SWITCHED = "HTTP/1.1 101 ";
const END_OF_HEAD = "\r\n\r\n";
/** 1011 is documented, and means that something here is wrong. */
const CODES = new Set(
  Object.keys(CLOSE_CODES)
    .map(Number)
    .filter((code) => code !== 1011),
);

/** Throws what may not be. `input`: all that the client wrote. */
export function judge(input: Buffer, heard: Buffer): Verdict {
  const switched = heard.indexOf(SWITCHED);
  const start = switched === -1 ? -1 : heard.indexOf(END_OF_HEAD, switched);
  const heads = heard.toString("latin1", 0, start === -1 ? heard.length : start);
  const statuses = [...heads.matchAll(STATUS)].map(([, status]) => Number(status));
  const odd = statuses.find((status) => !isExpected(status));
  if (odd !== undefined) throw new Error(`the answer was ${odd}`);
  if (heard.length > 0 && statuses.length === 0) throw new Error(`no HTTP: ${heads.slice(0, 80)}`);
  if (start === -1) return { statuses, frames: [], sent: [] };
  const isPacked = heard.toString("latin1", switched, start).includes(EXTENSION);
  const read = (bytes: Buffer, unpack: (frame: ClientFrame) => ClientFrame) =>
    isPacked ? readFrames(bytes).map(unpack) : readFrames(bytes);
  const frames = read(heard.subarray(start + END_OF_HEAD.length), withoutPacking);
  const sent = read(input.subarray(input.indexOf(END_OF_HEAD) + END_OF_HEAD.length), orAsItIs);
  judgeFrames(frames, sent);
  return { statuses, frames, sent };
}

/** A client may say what is no stream. */
function orAsItIs(frame: ClientFrame): ClientFrame {
  try {
    return withoutPacking(frame);
  } catch {
    return frame;
  }
}

function isExpected(status: number): boolean {
  return (
    status < 300 || status === 304 || (status >= 400 && status < 500) || status === 503 || status === 505
  );
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function judgeFrames(frames: readonly ClientFrame[], sent: readonly ClientFrame[]): void {
  for (const [at, { opcode, fin, rsv, mask, payload }] of frames.entries()) {
    if (!fin || rsv !== 0 || mask !== undefined)
      throw new Error(`a frame with fin ${fin}, rsv ${rsv}, mask ${mask}`);
    if (opcode > OPCODE.binary && payload.length > 125)
      throw new Error(`a control frame of ${payload.length} bytes`);
    if (opcode === OPCODE.text) utf8.decode(payload);
    if (opcode !== OPCODE.close) continue;
    judgeClose(Buffer.from(payload), sent);
    if (at !== frames.length - 1) throw new Error("a frame behind the close");
  }
}

function judgeClose(payload: Buffer, sent: readonly ClientFrame[]): void {
  // An echo of the client's own.
  if (
    sent.some(
      (frame) => frame.opcode === OPCODE.close && payload.subarray(0, 2).equals(frame.payload.subarray(0, 2)),
    )
  )
    return;
  const code = payload.length < 2 ? 1005 : payload.readUInt16BE();
  if (!CODES.has(code)) throw new Error(`closed with ${code} ${payload.toString("utf8", 2)}`);
  utf8.decode(payload.subarray(2));
}
