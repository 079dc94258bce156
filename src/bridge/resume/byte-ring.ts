/**
 * Bytes of one stream that are still needed, each at its position since the stream began: pushed at the end, released at the start. They lie
 * in one ring, so however small the pieces they came in, they cost what they are; as DATA frames they go out without a copy.
 * Limits: none of its own, whoever pushes holds a bound; it takes memory as it needs it, and gives all of it back when it is trimmed empty.
 */
import { DATA_HEADER, writeDataHeader } from "../../wire/bridge-frames.ts";

const MIN_CAPACITY = 4 * 1024;
/**
 * Before the first byte: room for its header, and more. What is copied often begins a page; a copy that lands a few bytes behind the same
 * place of another page takes ten times as long, because the processor cannot tell what it stores from what it loads next.
 */
const LEAD = 64;
const NOTHING = new Uint8Array(0);
/** The bytes under the one header that stands somewhere, for as long as it does. */
const covered = new Uint8Array(DATA_HEADER);

export class ByteRing {
  /** Position of the first byte that is still here. */
  start = 0;
  /** Position behind the last one. */
  end = 0;
  /** Capacity behind LEAD. */
  private memory: Uint8Array<ArrayBuffer> | undefined;
  private wasUsed = false;

  get size(): number {
    return this.end - this.start;
  }

  /** Bytes of memory that it takes now, however few of them are needed. */
  get footprint(): number {
    return this.memory?.length ?? 0;
  }

  push(bytes: Uint8Array): void {
    const memory = this.roomFor(bytes.length);
    this.end = write(memory, this.end, bytes);
    this.wasUsed = true;
  }

  /** As many bytes from a position on as lie in one piece, at most `max`: a view, until the next call of anything here. */
  view(from: number, max: number): Uint8Array {
    const { memory } = this;
    if (memory === undefined || from >= this.end) return NOTHING;
    const at = LEAD + (from % capacityOf(memory));
    return memory.subarray(at, at + this.run(from, max));
  }

  /** How many bytes that are. */
  run(from: number, max: number): number {
    const capacity = this.memory === undefined ? 0 : capacityOf(this.memory);
    return capacity === 0 ? 0 : Math.min(max, this.end - from, capacity - (from % capacity));
  }

  /** Hands `run(from, max)` bytes to `send` as a DATA frame: its header stands over the bytes before it until `send` returns. */
  sendFrame(from: number, max: number, send: (frame: Uint8Array) => boolean): boolean {
    const { memory } = this;
    if (memory === undefined) return true;
    const at = LEAD - DATA_HEADER + (from % capacityOf(memory));
    const length = this.run(from, max);
    for (let n = 0; n < DATA_HEADER; n += 1) covered[n] = memory[at + n] ?? 0;
    writeDataHeader(memory, at, length);
    const taken = send(memory.subarray(at, at + DATA_HEADER + length));
    memory.set(covered, at);
    return taken;
  }

  /** Forgets what stands before a position. */
  release(to: number): void {
    this.start = to;
  }

  /** Forgets everything; what is pushed next stands at `position`. */
  reset(position: number): void {
    this.start = this.end = position;
  }

  /** Called now and then: gives the memory back if it was empty since the last time. */
  trim(): void {
    if (this.size === 0 && !this.wasUsed) this.give();
    this.wasUsed = false;
  }

  private roomFor(count: number): Uint8Array {
    const { memory } = this;
    const needed = this.size + count;
    if (memory !== undefined && capacityOf(memory) >= needed) return memory;
    const grown = new Uint8Array(LEAD + capacityFor(needed));
    for (let at = this.start; at < this.end; ) {
      const piece = this.view(at, needed);
      at = write(grown, at, piece);
    }
    this.give();
    this.memory = grown;
    return grown;
  }

  /** Detached, so that it does not wait for the collector. */
  private give(): void {
    this.memory?.buffer.transfer(0);
    this.memory = undefined;
  }
}

/** A power of two: streams of all lengths then share few sizes, and a ring that grows does so seldom. */
function capacityFor(bytes: number): number {
  return Math.max(MIN_CAPACITY, 2 ** Math.ceil(Math.log2(bytes)));
}

function capacityOf(memory: Uint8Array): number {
  return memory.length - LEAD;
}

/** The position behind the last byte written. */
function write(memory: Uint8Array, position: number, bytes: Uint8Array): number {
  const capacity = capacityOf(memory);
  const at = position % capacity;
  const first = Math.min(bytes.length, capacity - at);
  if (first === bytes.length) {
    memory.set(bytes, LEAD + at);
  } else {
    memory.set(bytes.subarray(0, first), LEAD + at);
    memory.set(bytes.subarray(first), LEAD);
  }
  return position + bytes.length;
}
