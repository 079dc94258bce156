/**
 * The memory mark: past it new connections are refused and the readers who lag most are cut, so that the system does not end the process.
 * Looked at forty times a second (10 us each), because stalled readers of a busy room can take a GiB in one. It ends 5 % below the mark.
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

const LOOK_MS = 25;
const ENOUGH = 0.95;
/** A collection stops the process for some 50 ms. So often it is asked whether the memory is garbage, before anybody is cut for it. */
const GARBAGE_MS = 10_000;
/** What waited for those who were cut goes back to the system with a collection, else 200 ms later. So often there is one for that. */
const RETURN_MS = 100;
const TELL_MS = 60_000;
/** Whoever has less waiting is not what the memory went to. */
const LEAST = 16 * 1024;

export function createMemory(options: MemoryOptions): Memory {
  const { max, clock, log } = options;
  let timer: Timer | undefined;
  let isOver = false;
  let shed = 0;
  let askedAt = -GARBAGE_MS;
  let returnedAt = -RETURN_MS;
  let toldAt = -TELL_MS;
  /** Bytes that waited for those who were cut and count as gone, though the process holds them still. */
  let cut = 0;

  function look(): void {
    const resident = options.resident();
    isOver = resident >= (isOver ? max * ENOUGH : max);
    if (!isOver) return;
    const now = clock.now();
    if (now - askedAt >= GARBAGE_MS) {
      askedAt = now;
      options.collect();
    }
    cutLargest(options.resident() - max * ENOUGH - cut);
    if (cut > 0 && now - returnedAt >= RETURN_MS) {
      returnedAt = now;
      cut = 0;
      options.collect();
    }
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
