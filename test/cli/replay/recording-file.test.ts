import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readRecording } from "../../../src/cli/replay/recording-file.ts";
import { endLine, frameLine, headerLine } from "../../../src/recording/lines.ts";

const HEADER = headerLine({ version: "1", route: "/r", started: "2026", about: {} });
const WHOLE =
  HEADER +
  frameLine({ t: 1, dir: "in", data: "hällo" }) +
  frameLine({ t: 2, dir: "out", data: new Uint8Array(300) }) +
  endLine(3, "closed");

/** In pieces of these sizes, then the rest. */
async function* pieces(bytes: Uint8Array, sizes: readonly number[] = []): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

/** Lines that were read, a problem as its text and number. */
async function read(
  text: string | Uint8Array,
  sizes?: readonly number[],
  maxLine?: number,
): Promise<string[]> {
  const lines = await Array.fromAsync(readRecording(pieces(Buffer.from(text), sizes), maxLine));
  return lines.map(({ number, line }) =>
    line.type === "problem" ? `${number}: ${line.problem}` : line.type,
  );
}

const ALL = ["header", "frame", "frame", "end"];

describe("a recording file", () => {
  test("is read line by line, however it comes in pieces", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(200)), async (sizes) => {
        expect(await read(WHOLE, sizes)).toEqual(ALL);
      }),
    );
  });

  test("that is cut off anywhere has all lines before the cut, and one problem", async () => {
    const bytes = Buffer.from(WHOLE);
    for (let cut = 1; cut < bytes.length - 1; cut += 1) {
      const lines = await read(bytes.subarray(0, cut));
      const whole = bytes.subarray(0, cut).toString("latin1").split("\n").length - 1;
      const good = lines.slice(0, -1);
      // A line whose line feed alone is missing is whole.
      expect([ALL.slice(0, whole), ALL.slice(0, whole + 1)]).toContainEqual(good);
      expect(lines.at(-1)).toMatch(/is not|the end is missing/);
    }
    expect(await read(bytes.subarray(0, -1))).toEqual(ALL);
  });

  test("with a bad line is read on after it", async () => {
    const lines = WHOLE.split("\n");
    const bad = [lines[0], "{", lines[2], '{"t":2}', lines[3], ""].join("\n");
    expect(await read(bad)).toEqual([
      "header",
      "2: is not a JSON object",
      "frame",
      "4: dir: expected in or out, received nothing",
      "end",
    ]);
  });

  test("with bytes that are no text has a problem there", async () => {
    const bytes = Buffer.concat([
      Buffer.from(HEADER),
      Buffer.of(0xff, 0x0a),
      Buffer.from(endLine(1, "closed")),
    ]);
    expect(await read(bytes)).toEqual(["header", "2: is not UTF-8", "end"]);
  });

  test("that is none, is empty, or goes on after its end says so and is read no further", async () => {
    expect(await read("")).toEqual(["0: nothing is in it"]);
    for (const text of ["root:x:0:0\nmore\n", frameLine({ t: 1, dir: "in", data: "" }), '{"recording":9}\n'])
      expect(await read(text)).toEqual(["1: is not how a recording begins"]);
    expect(await read(`${WHOLE}${WHOLE}`)).toEqual([...ALL, "5: comes after the end"]);
  });

  test("with a line that never ends costs no more memory than a line may", async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(HEADER);
      for (;;) yield new Uint8Array(1_000).fill(0x20);
    }
    const lines = await Array.fromAsync(readRecording(endless(), 10_000));
    expect(lines.at(-1)).toEqual({
      number: 2,
      line: { type: "problem", problem: "is longer than 10000 bytes" },
    });
  });
});
