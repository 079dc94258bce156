/**
 * Commands of one connection that were read and wait for those before them. It is full at so many or so many bytes, and then no more is
 * read; what the same read has brought (at most 512 KiB) is taken all the same.
 */
import type { Command } from "../wire/v1.ts";

export interface Received {
  readonly command: Command;
  /** Bytes of its frame. */
  readonly size: number;
}

const MAX_WAITING = 16;
const MAX_WAITING_BYTES = 256 * 1024;

/** A class, because there is one per connection. */
export class CommandQueue {
  /** Undefined: it has had its turn, and its bytes are not kept. */
  private all: (Received | undefined)[] = [];
  /** How many of `all` have had their turn: taking the first away would move all the others. */
  private done = 0;
  private bytes = 0;

  get length(): number {
    return this.all.length - this.done;
  }

  get isFull(): boolean {
    return this.length >= MAX_WAITING || this.bytes >= MAX_WAITING_BYTES;
  }

  /** Half of it is free, so that reading begins and ends not with every command. */
  get hasRoom(): boolean {
    return this.length < MAX_WAITING / 2 && this.bytes < MAX_WAITING_BYTES / 2;
  }

  push(received: Received): void {
    this.all.push(received);
    this.bytes += received.size;
  }

  /** Puts one back before the others. */
  putBack(received: Received): void {
    if (this.done === 0) this.all.unshift(received);
    else {
      this.done -= 1;
      this.all[this.done] = received;
    }
    this.bytes += received.size;
  }

  next(): Received | undefined {
    const received = this.all[this.done];
    if (received === undefined) return undefined;
    this.all[this.done] = undefined;
    this.done += 1;
    this.bytes -= received.size;
    // All at once and seldom, half of it at least: each is moved once on the average.
    if (this.done >= MAX_WAITING && this.done * 2 >= this.all.length) {
      this.all = this.all.slice(this.done);
      this.done = 0;
    }
    return received;
  }
}
