/**
 * The memory mark: past it new connections are refused and the readers who lag most are cut, so that the system does not end the process.
 * Looked at ten times a second, because stalled readers of a busy room can take hundreds of MiB in one. It ends 5 % below the mark.
 * What nobody lags with (histories, queues of relays, parked streams) has bounds of its own and is not given up here.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Log } from "../log.ts";

/** Somebody for whom something may wait. */
export interface Laggard {
  /** Bytes. */
  buffered(): number;
  terminate(code: 1013, reason: string): void;
}

export interface MemoryOptions {
  /** Bytes; 0 = no mark. */
  readonly max: number;
  /** Bytes that the process holds. */
  resident(): number;
  /** Gives what nobody uses any more back to the system. */
  collect(): void;
  laggards(): Iterable<Laggard>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Memory {
  readonly isOver: boolean;
  readonly max: number;
  /** How many were cut. */
  readonly shed: number;
  start(): void;
  stop(): void;
}

const LOOK_MS = 100;
const ENOUGH = 0.95;
/** A collection stops the process for tens of ms, hundreds where there is much to look through. */
const COLLECT_MS = 10_000;
/** What waited for somebody who was cut is back after some 200 ms; until then it counts as gone, else twice as many would be cut. */
const GONE_MS = 250;
const TELL_MS = 60_000;
/** Whoever has less waiting is not what the memory went to. */
const LEAST = 16 * 1024;

export function createMemory(options: MemoryOptions): Memory {
  const { max, clock, log } = options;
  let timer: Timer | undefined;
  let isOver = false;
  let shed = 0;
  let collectedAt = -COLLECT_MS;
  let toldAt = -TELL_MS;
  /** Bytes that waited for those who were cut since `cutAt`. */
  let cut = 0;
  let cutAt = -GONE_MS;

  function look(): void {
    const resident = options.resident();
    isOver = resident >= (isOver ? max * ENOUGH : max);
    if (!isOver) return;
    const now = clock.now();
    if (now - collectedAt >= COLLECT_MS) {
      collectedAt = now;
      options.collect();
    }
    if (now - cutAt >= GONE_MS) {
      cutAt = now;
      cut = 0;
    }
    // Asked again: it may all have been garbage.
    cutLargest(options.resident() - max * ENOUGH - cut);
    if (now - toldAt < TELL_MS) return;
    toldAt = now;
    log.warn({ resident, max, shed }, "! over the memory mark: new connections are refused");
  }

  function cutLargest(excess: number): void {
    let left = excess;
    const waiting = [...options.laggards()].map((laggard) => ({ laggard, bytes: laggard.buffered() }));
    for (const { laggard, bytes } of waiting.sort((a, b) => b.bytes - a.bytes)) {
      if (left <= 0 || bytes < LEAST) return;
      laggard.terminate(1013, "the gateway is short of memory, and this reader lags most");
      left -= bytes;
      cut += bytes;
      shed += 1;
    }
  }

  return {
    get isOver() {
      return isOver;
    },
    max,
    get shed() {
      return shed;
    },
    start() {
      if (max > 0) timer ??= clock.every(LOOK_MS, look);
    },
    stop() {
      timer?.cancel();
      timer = undefined;
    },
  };
}
