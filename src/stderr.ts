/**
 * Lines to stderr that hold up nobody: one that is not taken at once is dropped and counted. Whoever reads a log may stop to (a full pipe,
 * a terminal that is held with Ctrl-S), and a write that waits for that would stop every connection.
 * Limit: a socket, or a pipe that somebody else made, cannot be opened again; a write to those waits.
 */
import { constants, fstatSync, openSync, writeSync } from "node:fs";

const STDERR = 2;

export interface LineSink {
  /** Takes a line with its end. Never throws, never waits. */
  write(line: string): void;
  /** Lines that were not taken. */
  readonly dropped: number;
}

/** Opens what it writes to with the first line. */
export function createStderr(): LineSink {
  let file: number | undefined;
  return createLineSink((bytes) => {
    file ??= openAgain();
    return writeSync(file, bytes);
  });
}

/** `put`: how many of these bytes were taken; it throws when that is none of them. */
export function createLineSink(put: (bytes: Uint8Array) => number): LineSink {
  let dropped = 0;
  /** The end of a line whose beginning was taken: nothing may come between. */
  let rest: Uint8Array = new Uint8Array();

  /** What was not taken of it. */
  const attempt = (bytes: Uint8Array): Uint8Array => {
    try {
      return bytes.subarray(put(bytes));
    } catch {
      return bytes; // EAGAIN, EPIPE, ENOSPC: whatever the reason is, there is nowhere left to say it
    }
  };

  return {
    write(line) {
      if (rest.length > 0) rest = attempt(rest);
      const bytes = Buffer.from(line);
      const left = rest.length > 0 ? bytes : attempt(bytes);
      if (left.length === bytes.length) dropped += 1;
      else rest = left;
    },
    get dropped() {
      return dropped;
    },
  };
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
