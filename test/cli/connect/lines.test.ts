import { describe, expect, test } from "bun:test";
import { InputError, linesOf } from "../../../src/cli/connect/lines.ts";

async function* chunks(...parts: (string | number[])[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === "string" ? Buffer.from(part) : Uint8Array.from(part);
}

const read = (...parts: (string | number[])[]) => Array.fromAsync(linesOf(chunks(...parts)));

describe("stdin as messages", () => {
  test.each<[string, (string | number[])[], string[]]>([
    ["lines", ["a\nb\n"], ["a", "b"]],
    ["an unfinished last line", ["a\nb"], ["a", "b"]],
    ["empty lines", ["\n\na\n"], ["", "", "a"]],
    ["lines that end in CRLF", ["a\r\nb\r\n"], ["a", "b"]],
    ["a CR that ends no line", ["a\rb\r\r\n"], ["a\rb\r"]],
    ["a line in pieces", ["a", "b", "c\nd", "\n"], ["abc", "d"]],
    ["a character in pieces", [[0xe2], [0x82, 0xac, 0x0a]], ["\u20ac"]],
    ["a byte order mark, kept", ["\ufeffa\n"], ["\ufeffa"]],
    ["nothing", [], []],
  ])("%s", async (_, parts, lines) => {
    expect(await read(...parts)).toEqual(lines);
  });
});

describe("is refused with the place, after the lines before it, when a line", () => {
  test.each<[string, (string | number[])[], string]>([
    [
      "has a byte of no character",
      ["ok\n", "ab", [0xff], "\n"],
      "line 2 of stdin is not UTF-8 from byte 5 on",
    ],
    ["ends in half a character", ["a", [0xc3, 0x0a]], "line 1 of stdin is not UTF-8 from byte 1 on"],
    [
      "ends stdin in half a character",
      ["a\n\u20ac", [0xe2, 0x82]],
      "line 2 of stdin is not UTF-8 from byte 5 on",
    ],
    ["is bad like a replacement character", ["\ufffd", [0xef, 0xbf, 0x41]], "from byte 3 on"],
    ["is bad after a replacement character", ["\ufffd", [0xef, 0x41]], "from byte 3 on"],
    ["has half of a surrogate pair", [[0xed, 0xa0, 0x80]], "from byte 0 on"],
  ])("%s", async (_, parts, message) => {
    await expect(read(...parts)).rejects.toThrow(message);
  });

  test("is too long, in one chunk or in many, without keeping more than the bound", async () => {
    const long = linesOf(chunks("ok\n", "12345678", "9\n"), 8);
    expect((await long.next()).value).toBe("ok");
    const error = await long.next().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toContain("line 2 of stdin is longer than 8 bytes; --binary sends without lines");
    await expect(Array.fromAsync(linesOf(chunks("123456789\n"), 8))).rejects.toThrow("line 1");
    expect(await Array.fromAsync(linesOf(chunks("12345678\n"), 8))).toEqual(["12345678"]);
  });
});
