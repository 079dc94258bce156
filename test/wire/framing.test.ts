import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createLineUnframer, createTextUnframer, frameLine, type Unframer } from "../../src/wire/framing.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** What comes out when the bytes arrive in these pieces and then end. */
function unframe(unframer: Unframer, pieces: readonly Uint8Array[]): string[] {
  const messages = pieces.flatMap((piece) => [...unframer.push(piece).messages]);
  return [...messages, ...unframer.end()];
}

function cut(whole: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [...new Set(at.map((each) => each % (whole.length + 1)))].sort((a, b) => a - b);
  return [...places, whole.length].map((end, index) =>
    whole.subarray(index === 0 ? 0 : places[index - 1], end),
  );
}

/** Text with characters of one to four bytes, line feeds among them. */
const unicode = fc
  .array(fc.constantFrom("a", "\n", "\r\n", "é", "漢", "😀", "\u0000", "\uFEFF", "\u2028", " "), {
    maxLength: 60,
  })
  .map((parts) => parts.join(""));
/** Anything, but more often the bytes that UTF-8 and lines care about. */
const anyBytes = fc
  .uint8Array({ maxLength: 60 })
  .chain((some) =>
    fc
      .array(fc.constantFrom(0x0a, 0xc3, 0xe2, 0xf0, 0x9f, 0x80, 0xff, 0x61), { maxLength: 30 })
      .map((more) => Uint8Array.from([...some, ...more])),
  );
const cuts = fc.array(fc.nat(), { maxLength: 12 });
/** What the WHATWG decoder makes of the whole, in one piece. */
const decoded = (whole: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(whole);

describe("text from the target", () => {
  test("is the same, however the stream is split into reads", () => {
    fc.assert(
      fc.property(unicode, cuts, (text, at) => {
        expect(unframe(createTextUnframer(), cut(bytes(text), at)).join("")).toBe(text);
      }),
    );
  });

  test("is what a decoder makes of the whole stream, if it is not UTF-8 at all", () => {
    fc.assert(
      fc.property(anyBytes, cuts, (whole, at) => {
        expect(unframe(createTextUnframer(), cut(whole, at)).join("")).toBe(decoded(whole));
      }),
    );
  });

  test("keeps a character whole that is split over two, three and four reads", () => {
    const unframer = createTextUnframer();
    const pieces = [...bytes("é漢😀")].map((byte) => Uint8Array.of(byte));
    expect(pieces.flatMap((piece) => [...unframer.push(piece).messages])).toEqual(["é", "漢", "😀"]);
    expect(unframer.end()).toEqual([]);
  });

  test("has no message for a read that completes no character", () => {
    expect(createTextUnframer().push(Uint8Array.of(0xe2)).messages).toEqual([]);
  });

  test("gets U+FFFD for each byte that is no UTF-8, and goes on", () => {
    const unframer = createTextUnframer();
    expect(unframer.push(Uint8Array.of(0x61, 0xff, 0xfe, 0x62)).messages).toEqual(["a\uFFFD\uFFFDb"]);
    expect(unframer.push(bytes("c")).messages).toEqual(["c"]);
  });

  test("gets U+FFFD for a character that the end cuts off", () => {
    expect(unframe(createTextUnframer(), [Uint8Array.of(0x61, 0xe2, 0x98)])).toEqual(["a", "\uFFFD"]);
  });

  test("keeps a byte order mark: it is the target's, not ours", () => {
    expect(unframe(createTextUnframer(), [Uint8Array.of(0xef, 0xbb), Uint8Array.of(0xbf)])).toEqual([
      "\uFEFF",
    ]);
  });

  test("never is too long", () => {
    expect(createTextUnframer().push(new Uint8Array(3_000_000)).isTooLong).toBe(false);
  });
});

describe("lines from the target", () => {
  test("are the same, however the stream is split into reads", () => {
    fc.assert(
      fc.property(anyBytes, cuts, (whole, at) => {
        const lines = unframe(createLineUnframer(0), [whole]);
        expect(unframe(createLineUnframer(0), cut(whole, at))).toEqual(lines);
      }),
    );
  });

  test("joined again are the stream, without a line feed after an unfinished last one", () => {
    fc.assert(
      fc.property(unicode, cuts, (text, at) => {
        const lines = unframe(createLineUnframer(0), cut(bytes(text), at));
        expect(lines.some((line) => line.includes("\n"))).toBe(false);
        const joined = lines.map((line) => `${line}\n`).join("");
        expect(text.endsWith("\n") || text === "" ? joined : joined.slice(0, -1)).toBe(text);
      }),
    );
  });

  test("may be empty", () => {
    expect(unframe(createLineUnframer(0), [bytes("\n\na\n")])).toEqual(["", "", "a"]);
  });

  test("keep their carriage return and their byte order mark", () => {
    expect(unframe(createLineUnframer(0), [bytes("\uFEFFa\r\n")])).toEqual(["\uFEFFa\r"]);
  });

  test("have U+FFFD for bytes that are no UTF-8, each line by itself", () => {
    expect(unframe(createLineUnframer(0), [Uint8Array.of(0xe2, 0x0a, 0x98, 0x0a)])).toEqual([
      "\uFFFD",
      "\uFFFD",
    ]);
  });

  test("are delivered at the end also when the last is unfinished, and only once", () => {
    const unframer = createLineUnframer(0);
    expect(unframer.push(bytes("a\nb")).messages).toEqual(["a"]);
    expect(unframer.end()).toEqual(["b"]);
    expect(unframer.end()).toEqual([]);
  });

  test("do not change when the runtime writes over the bytes of an earlier read", () => {
    const unframer = createLineUnframer(0);
    const read = bytes("begun");
    unframer.push(read);
    read.fill(0x21);
    expect(unframer.push(bytes(", done\n")).messages).toEqual(["begun, done"]);
  });

  test("stay right over thousands of one-byte reads", () => {
    const line = "0123456789".repeat(3_000);
    const pieces = [...bytes(`${line}\nnext\n`)].map((byte) => Uint8Array.of(byte));
    expect(unframe(createLineUnframer(0), pieces)).toEqual([line, "next"]);
  });
});

describe("a line over maxLine", () => {
  test("is told after the lines before it, whether its end is in sight or not", () => {
    expect(createLineUnframer(3).push(bytes("a\nabc\nabcd\nb\n"))).toEqual({
      messages: ["a", "abc"],
      isTooLong: true,
    });
    expect(createLineUnframer(3).push(bytes("a\nabcd"))).toEqual({ messages: ["a"], isTooLong: true });
  });

  test("is counted in bytes without its line feed, over all its reads", () => {
    const whole = fc.integer({ min: 0, max: 12 }).map((length) => bytes(`${"x".repeat(length)}\n`));
    fc.assert(
      fc.property(whole, cuts, (line, at) => {
        const unframer = createLineUnframer(6);
        const isTooLong = cut(line, at).some((piece) => unframer.push(piece).isTooLong);
        expect(isTooLong).toBe(line.length - 1 > 6);
      }),
    );
    expect(createLineUnframer(3).push(bytes("éé\n")).isTooLong).toBe(true);
  });

  test("is the last thing heard: its rest would pass for a line", () => {
    const unframer = createLineUnframer(3);
    unframer.push(bytes("ab"));
    expect(unframer.push(bytes("cd")).isTooLong).toBe(true);
    expect(unframer.push(bytes("\nok\n"))).toEqual({ messages: [], isTooLong: true });
    expect(unframer.end()).toEqual([]);
  });

  test("does not exist if maxLine is 0", () => {
    const long = "x".repeat(3_000_000);
    expect(unframe(createLineUnframer(0), [bytes(long), bytes("\n")])).toEqual([long]);
  });
});

describe("a line to the target", () => {
  test("is the message and a line feed, also when it is empty", () => {
    expect(frameLine(bytes("a"))).toEqual(bytes("a\n"));
    expect(frameLine(bytes(""))).toEqual(bytes("\n"));
  });

  test("comes back as the message it was", () => {
    const message = unicode.map((text) => text.replaceAll("\n", ""));
    fc.assert(
      fc.property(message, (text) => {
        expect(unframe(createLineUnframer(0), [frameLine(bytes(text)) ?? bytes("refused")])).toEqual([text]);
      }),
    );
  });

  test("is none if the message contains a line feed, wherever", () => {
    for (const text of ["\n", "a\n", "\na", "a\nb"]) expect(frameLine(bytes(text))).toBeUndefined();
  });
});
