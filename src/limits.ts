/**
 * How many connections the process may hold, and how large a message may be.
 * Descriptors are the scarce thing: at the limit of the process the runtime does not refuse, it spins and hangs (hence the cap well below).
 */
import type { Data } from "./connection.ts";
import { type Lingering, nofile, openDescriptors } from "./limits/descriptors.ts";

/** Room for logs, listeners, the engine, and sockets that are closed and still held. */
const SHARE_OF_NOFILE = 0.8;
const RESERVED = 32;

export interface Capacity {
  /** Takes descriptors, one by default; false: the gateway is full, and none is taken. */
  take(count?: number): boolean;
  give(count?: number): void;
  readonly used: number;
  readonly isFull: boolean;
  /** 0: no cap. */
  readonly max: number;
}

/** `lingering`: what is given back and still held. Without it nothing is. */
export function createCapacity(max: number, lingering?: Lingering): Capacity {
  let used = 0;
  return {
    take(count = 1) {
      if (max > 0 && (used + count > max || lingering?.leaveNone(count, max - used))) return false;
      used += count;
      return true;
    },
    give(count = 1) {
      used -= count;
      lingering?.add(count);
    },
    get used() {
      return used;
    },
    get isFull() {
      return max > 0 && used >= max;
    },
    max,
  };
}

/** 80 % of the descriptors that this process may open, less where what it has open already and RESERVED would not fit beside them. */
export function defaultCapacity(): number {
  const most = nofile();
  return Math.max(1, Math.min(Math.floor(most * SHARE_OF_NOFILE), most - openDescriptors() - RESERVED));
}

/** Bytes of a message on the wire. */
export function byteLength(data: Data): number {
  return typeof data === "string" ? Buffer.byteLength(data) : data.byteLength;
}
