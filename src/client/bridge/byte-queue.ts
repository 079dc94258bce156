/**
 * Bytes that wait, in order. Small pieces are copied together into blocks: a megabyte that comes byte by byte costs a megabyte, not a million
 * objects. Its bound is its owner's.
 */
const SMALLEST_BLOCK = 4_096;
const LARGEST_BLOCK = 65_536;

export class ByteQueue {
  size = 0;
  readonly #blocks: Uint8Array<ArrayBuffer>[] = [];
  /** Where the bytes begin in the first block, and end in the last one. */
  #start = 0;
  #end = 0;

  /** Copies them. */
  add(bytes: Uint8Array): void {
    this.size += bytes.length;
    for (let rest = bytes; rest.length > 0; ) {
      const block = this.#roomFor(rest.length);
      const part = rest.subarray(0, block.length - this.#end);
      block.set(part, this.#end);
      this.#end += part.length;
      rest = rest.subarray(part.length);
    }
  }

  /** The bytes that come first, at most 65,536, taken out: nobody else holds their memory any more. Undefined: there are none. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    const first = this.#first();
    if (first !== undefined) this.drop(first.length);
    return first;
  }

  /** Fills `into` as far as there are bytes, and takes them out. Returns how many. */
  read(into: Uint8Array): number {
    let filled = 0;
    for (let first = this.#first(); first !== undefined && filled < into.length; first = this.#first()) {
      const part = first.subarray(0, into.length - filled);
      into.set(part, filled);
      filled += part.length;
      this.drop(part.length);
    }
    return filled;
  }

  /** Lets go of the first `count` bytes; of all, if there are no more. */
  drop(count: number): void {
    this.size -= count;
    this.#start += count;
    for (
      let [first] = this.#blocks;
      first !== undefined && this.#start >= first.length;
      [first] = this.#blocks
    ) {
      this.#blocks.shift();
      this.#start -= first.length;
    }
    if (this.size <= 0) this.clear();
  }

  clear(): void {
    this.#blocks.length = 0;
    this.size = this.#start = this.#end = 0;
  }

  /** All of it, first to last, as views that hold until the queue changes. */
  parts(): Uint8Array<ArrayBuffer>[] {
    return this.#blocks.map((_, n) => this.#part(n));
  }

  #first(): Uint8Array<ArrayBuffer> | undefined {
    return this.size > 0 ? this.#part(0) : undefined;
  }

  #part(n: number): Uint8Array<ArrayBuffer> {
    const block = this.#blocks[n] ?? new Uint8Array();
    return block.subarray(
      n === 0 ? this.#start : 0,
      n === this.#blocks.length - 1 ? this.#end : block.length,
    );
  }

  #roomFor(wanted: number): Uint8Array<ArrayBuffer> {
    const last = this.#blocks.at(-1);
    if (last !== undefined && this.#end < last.length) return last;
    const fresh = new Uint8Array(Math.min(LARGEST_BLOCK, Math.max(SMALLEST_BLOCK, wanted)));
    this.#blocks.push(fresh);
    this.#end = 0;
    return fresh;
  }
}
