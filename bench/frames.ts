/**
 * WebSocket frames as the load needs them (RFC 6455, 5.2): made once with a mask, counted on the way back without a copy.
 * Not a WebSocket implementation: nothing is checked, the servers under test are trusted to speak well.
 */
export const TEXT = 1;
export const BINARY = 2;
const PING = 9;
const PONG = 10;

/** Not zero, so that a server has to unmask. One mask for all frames: a fresh one would cost the load, not the server. */
export const MASK = [0x37, 0xfa, 0x21, 0x3d] as const;

/** One masked frame with FIN set. */
export function clientFrame(payload: string | Uint8Array, opcode: number): Uint8Array {
  const data = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const extended = data.length < 126 ? 0 : data.length < 65_536 ? 2 : 8;
  const frame = new Uint8Array(6 + extended + data.length);
  const view = new DataView(frame.buffer);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (extended === 0 ? data.length : extended === 2 ? 126 : 127);
  if (extended === 2) view.setUint16(2, data.length);
  if (extended === 8) view.setBigUint64(2, BigInt(data.length));
  frame.set(MASK, 2 + extended);
  const body = 6 + extended;
  for (let i = 0; i < data.length; i++) frame[body + i] = (data[i] ?? 0) ^ (MASK[i & 3] ?? 0);
  return frame;
}

/** Answers a ping whose payload is empty; servers that look at the payload of a pong are not under test. */
export const pong = clientFrame("", PONG);

/** `bytes` repeated, so that a burst is one write. */
export function repeat(bytes: Uint8Array, times: number): Uint8Array {
  const all = new Uint8Array(bytes.length * times);
  for (let i = 0; i < times; i++) all.set(bytes, i * bytes.length);
  return all;
}

/** Counts what a stream of server frames holds; the stream may be cut anywhere. */
export class FrameCounter {
  /** Whole data frames. */
  frames = 0;
  /** Payload bytes, counted as they come, so also of a frame that is not whole yet. */
  bytes = 0;
  pings = 0;
  readonly #header = new Uint8Array(10);
  #headerLength = 0;
  #opcode = 0;
  #missing = 0;

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#missing === 0) {
        this.#header[this.#headerLength++] = chunk[at++] ?? 0;
        this.#readHeader();
      } else {
        const taken = Math.min(this.#missing, chunk.length - at);
        at += taken;
        this.#missing -= taken;
        if (this.#opcode < 8) this.bytes += taken;
        if (this.#missing === 0) this.#count();
      }
    }
  }

  /** Sets how much is missing once the header is whole; an empty frame is counted at once. */
  #readHeader(): void {
    if (this.#headerLength < 2) return;
    const code = (this.#header[1] ?? 0) & 0x7f;
    const wanted = code < 126 ? 2 : code === 126 ? 4 : 10;
    if (this.#headerLength < wanted) return;
    let length = wanted === 2 ? code : 0;
    for (let i = 2; i < wanted; i++) length = length * 256 + (this.#header[i] ?? 0);
    this.#opcode = (this.#header[0] ?? 0) & 0x0f;
    this.#missing = length;
    this.#headerLength = 0;
    if (length === 0) this.#count();
  }

  #count(): void {
    if (this.#opcode < 8) this.frames++;
    else if (this.#opcode === PING) this.pings++;
  }
}
