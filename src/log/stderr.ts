/**
 * Lines to stderr that hold up nobody. Whoever reads a log may stop to (a full pipe, a terminal that is held with Ctrl-S), and a write that
 * waits for that would stop every connection. What is not taken waits here, 1 MiB of it at most; the rest is dropped and counted.
 * Limit: a socket, or a pipe that somebody else made, cannot be opened again; a write to those waits.
 */
import { constants, fstatSync, openSync, writeSync } from "node:fs";
import { systemClock } from "../clock.ts";

const STDERR = 2;
/** A burst of 10,000 goodbyes fits into it. */
const KEPT_BYTES = 1024 * 1024;
const RETRY_MS = 20;
/** So often without a new line: a process that has nothing else to do may then end. */
const RETRIES = 100;
/** At the end, for a reader that is only slower than we are. */
const LAST_MS = 100;

export interface LineSink {
  /** Takes a line with its end. Never throws, never waits. */
  write(line: string): void;
  /** Lines that were not taken. */
  readonly dropped: number;
}

/** Opens what it writes to with the first line. */
export function createStderr(): LineSink {
  let file: number | undefined;
  const put = (bytes: Uint8Array) => {
    file ??= openAgain();
    return writeSync(file, bytes);
  };
  return createLineSink(put, (run) => void systemClock.after(RETRY_MS, run));
}

/** `put`: how many of these bytes were taken; throws EAGAIN for none yet, anything else for never. `later` runs something a little later. */
export function createLineSink(
  put: (bytes: Uint8Array) => number,
  later: (run: () => void) => void,
): LineSink {
  let dropped = 0;
  /** The first one may be the end of a line whose beginning was taken: nothing may come between. */
  const waiting: Uint8Array[] = [];
  let size = 0;
  let retries = 0;
  let isRetrying = false;

  /** What is left of it. */
  const attempt = (bytes: Uint8Array): Uint8Array => {
    try {
      return bytes.subarray(put(bytes));
    } catch (error) {
      if (isLater(error)) return bytes;
      dropped += 1; // closed, or the disk is full: there is nowhere left to say it
      return bytes.subarray(bytes.length);
    }
  };

  const flush = () => {
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      const left = attempt(first);
      size -= first.length - left.length;
      if (left.length > 0) {
        waiting[0] = left;
        return;
      }
      waiting.shift();
    }
    process.off("exit", flushLast);
  };

  const flushLast = () => {
    const end = systemClock.now() + LAST_MS;
    do flush();
    while (waiting.length > 0 && systemClock.now() < end);
  };

  const retry = () => {
    isRetrying = false;
    flush();
    retries += 1;
    if (waiting.length > 0 && retries < RETRIES) retryLater();
  };

  const retryLater = () => {
    if (isRetrying) return;
    isRetrying = true;
    later(retry);
  };

  const keep = (bytes: Uint8Array) => {
    if (waiting.length === 0) process.once("exit", flushLast);
    waiting.push(bytes);
    size += bytes.length;
  };

  return {
    write(line) {
      flush();
      const bytes = Buffer.from(line);
      const left = waiting.length > 0 ? bytes : attempt(bytes);
      if (left.length === 0) return;
      if (left.length < bytes.length || size + left.length <= KEPT_BYTES) keep(left);
      else dropped += 1;
      retries = 0;
      retryLater();
    },
    get dropped() {
      return dropped;
    },
  };
}

function isLater(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN";
}

/** "Do not wait" is a property of the open file, and the one we were given belongs to a shell and its other programs, too. */
function openAgain(): number {
  try {
    const kind = fstatSync(STDERR);
    // A file never makes anybody wait, and opened again it would be written from another place.
    if (!kind.isFIFO() && !kind.isCharacterDevice()) return STDERR;
    const { O_WRONLY, O_APPEND, O_NONBLOCK, O_NOCTTY } = constants;
    return openSync(`/dev/fd/${STDERR}`, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY);
  } catch {
    return STDERR;
  }
}
