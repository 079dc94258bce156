/**
 * How TCP bytes become messages and back: `bytes` as they come, `text` as one UTF-8 stream, `lines` one message a line. Pure.
 * Text that is not UTF-8 becomes U+FFFD; a character that is split over two reads stays whole.
 * `lines` holds at most `maxLine` bytes of an unfinished line.
 */

export type Framing = "bytes" | "text" | "lines";

/** From the target to the client. */
export interface Unframer {
  /** The messages that these bytes complete. `isTooLong`: the line after them is longer than it may be, and none will follow. */
  push(chunk: Uint8Array): { readonly messages: readonly string[]; readonly isTooLong: boolean };
  /** No more bytes will come: what is left. */
  end(): readonly string[];
}

const LF = 0x0a;
const LINE_END = new Uint8Array([LF]);
const NOTHING = new Uint8Array(0);
/** Room for an unfinished line that is not worth giving back. */
const SMALL_ROOM = 4 * 1024;

export function createTextUnframer(): Unframer {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const some = (text: string) => (text === "" ? [] : [text]);
  return {
    push: (chunk) => ({ messages: some(decoder.decode(chunk, { stream: true })), isTooLong: false }),
    end: () => some(decoder.decode()),
  };
}

/** 0 = lines of any length. */
export function createLineUnframer(maxLine: number): Unframer {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let held = NOTHING;
  let used = 0;
  let isTooLong = false;

  function take(last: Uint8Array): string {
    const line = used === 0 ? last : concat([held.subarray(0, used), last]);
    forget();
    return decoder.decode(line);
  }

  /** One long line must not cost its room for as long as the connection lives. */
  function forget(): void {
    used = 0;
    if (held.length > SMALL_ROOM) held = NOTHING;
  }

  /** What is left is the middle of a line: sent, it would pass for one. */
  function giveUp(messages: readonly string[]) {
    isTooLong = true;
    forget();
    return { messages, isTooLong };
  }

  /** Room grows by doubling: a target that drips bytes must not cost an object each. */
  function hold(part: Uint8Array): void {
    if (used + part.length > held.length) {
      const larger = new Uint8Array(Math.max(2 * held.length, used + part.length));
      larger.set(held.subarray(0, used));
      held = larger;
    }
    held.set(part, used);
    used += part.length;
  }

  const isOver = (length: number) => maxLine > 0 && used + length > maxLine;

  return {
    push(chunk) {
      const messages: string[] = [];
      if (isTooLong) return giveUp(messages);
      let start = 0;
      for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
        if (isOver(end - start)) return giveUp(messages);
        messages.push(take(chunk.subarray(start, end)));
        start = end + 1;
      }
      if (isOver(chunk.length - start)) return giveUp(messages);
      if (start < chunk.length) hold(chunk.subarray(start));
      return { messages, isTooLong };
    },
    end: () => (used === 0 ? [] : [take(NOTHING)]),
  };
}

/** A client's message as the target's bytes; undefined: a line must not contain a line feed. */
export function frameLine(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.includes(LF) ? undefined : concat([bytes, LINE_END]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
