import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { endLine, type Frame, frameLine, headerLine, readLine } from "../../src/recording/lines.ts";

const header = {
  version: "1.2.3",
  route: "/r/:x",
  started: "2026-11-21T14:30:47.123Z",
  about: { conn: "c1" },
};

describe("a line of a recording", () => {
  test("is a JSON object that a search finds text in", () => {
    expect(headerLine(header)).toBe(
      '{"recording":1,"version":"1.2.3","route":"/r/:x","started":"2026-11-21T14:30:47.123Z","about":{"conn":"c1"}}\n',
    );
    expect(frameLine({ t: 7, dir: "in", data: 'say "hi"\n' })).toBe(
      '{"t":7,"dir":"in","text":"say \\"hi\\"\\n"}\n',
    );
    expect(frameLine({ t: 8, dir: "out", data: new Uint8Array([0, 255]) })).toBe(
      '{"t":8,"dir":"out","base64":"AP8="}\n',
    );
    expect(endLine(9, "full")).toBe('{"t":9,"end":"full"}\n');
  });

  test("of a part of a larger buffer has that part", () => {
    const part = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    expect(readLine(frameLine({ t: 0, dir: "in", data: part }))).toMatchObject({
      frame: { data: new Uint8Array([2, 3]) },
    });
  });

  test("is read as what was written, whatever was said", () => {
    const frame = fc.record<Frame>({
      t: fc.nat(),
      dir: fc.constantFrom("in", "out"),
      data: fc.oneof(fc.string({ unit: "binary" }), fc.uint8Array()),
    });
    fc.assert(
      fc.property(frame, (said) => {
        const line = frameLine(said);
        expect(line.indexOf("\n")).toBe(line.length - 1);
        expect(readLine(line)).toEqual({ type: "frame", frame: said });
      }),
    );
    expect(readLine(headerLine(header))).toEqual({ type: "header", header });
    for (const end of ["closed", "full", "slow"] as const)
      expect(readLine(endLine(5, end))).toEqual({ type: "end", t: 5, end });
  });

  test("may have fields that a later version adds", () => {
    expect(readLine('{"t":1,"dir":"in","text":"x","more":[1]}')).toMatchObject({ frame: { data: "x" } });
  });

  const BAD = {
    "": "is not a JSON object",
    '{"t":1,"dir":"in","text":"cut of': "is not a JSON object",
    "[]": "is not a JSON object",
    null: "is not a JSON object",
    "{}": "t: expected milliseconds, received nothing",
    '{"t":-1,"dir":"in","text":""}': "t: expected milliseconds, received -1",
    '{"t":1e999,"dir":"in","text":""}': "t: expected milliseconds, received Infinity",
    '{"t":"1","dir":"in","text":""}': 't: expected milliseconds, received "1"',
    '{"t":1,"dir":"up","text":""}': 'dir: expected in or out, received "up"',
    '{"t":1,"dir":"__proto__","text":""}': "dir: expected in or out",
    '{"t":1,"dir":"in"}': "expected text, or bytes as base64",
    '{"t":1,"dir":"in","text":5}': "expected text, or bytes as base64",
    '{"t":1,"dir":"in","base64":"%%"}': "expected text, or bytes as base64",
    '{"t":1,"end":"tired"}': 'end: expected closed, full, slow, received "tired"',
    '{"recording":2}': "recording: expected 1, received 2",
    '{"recording":1,"version":"1","route":7,"started":""}': "route: expected a string, received 7",
  };
  for (const [text, problem] of Object.entries(BAD)) {
    test(`is told to be none: ${text}`, () => {
      expect(readLine(text)).toEqual({ type: "problem", problem: expect.stringContaining(problem) });
    });
  }

  test("says only texts about a session, whatever stands there", () => {
    const line = '{"recording":1,"version":"1","route":"/","started":"","about":{"a":"b","n":1,"o":{}}}';
    expect(readLine(line)).toMatchObject({ header: { about: { a: "b" } } });
    expect(readLine(line.replace(/,"about".*/, "}"))).toMatchObject({ header: { about: {} } });
  });
});
