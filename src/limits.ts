/**
 * How many connections the process may hold, and how large a message may be.
 * Descriptors are the scarce thing: at the limit of the process the runtime does not refuse, it spins and hangs (hence the cap well below).
 */
import { readFileSync } from "node:fs";
import type { Data } from "./connection.ts";

/** Where the limit of the process cannot be read, the smallest one in common use counts. */
const FALLBACK_NOFILE = 1024;
/** Room for logs, listeners, the engine and dials. */
const SHARE_OF_NOFILE = 0.8;

export interface Capacity {
  /** Takes descriptors, one by default; false: the gateway is full, and none is taken. */
  take(count?: number): boolean;
  give(count?: number): void;
  readonly used: number;
  readonly isFull: boolean;
  /** 0: no cap. */
  readonly max: number;
}

export function createCapacity(max: number): Capacity {
  let used = 0;
  return {
    take(count = 1) {
      if (max > 0 && used + count > max) return false;
      used += count;
      return true;
    },
    give(count = 1) {
      used -= count;
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

/** 80 % of the descriptors that this process may open. */
export function defaultCapacity(): number {
  return Math.floor(processNofile() * SHARE_OF_NOFILE);
}

function processNofile(): number {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return match === null ? FALLBACK_NOFILE : Number(match[1]);
  } catch {
    // No /proc (macOS, a locked-down container): the fallback is the safe side.
    return FALLBACK_NOFILE;
  }
}

/** Bytes of a message on the wire. */
export function byteLength(data: Data): number {
  return typeof data === "string" ? Buffer.byteLength(data) : data.byteLength;
}
