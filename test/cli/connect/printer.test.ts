import { describe, expect, test } from "bun:test";
import type { ConnectEvent } from "../../../src/cli/connect/events.ts";
import { closeText, createPrinter, type Screen } from "../../../src/cli/connect/printer.ts";

const PLAIN = { form: "lines", json: false, level: "normal", showPings: false, printRtts: false } as const;
const text = (data: string): ConnectEvent => ({ type: "text", direction: "in", data });
const binary = (...data: number[]): ConnectEvent => ({
  type: "binary",
  direction: "in",
  data: Uint8Array.from(data),
});
const open: ConnectEvent = { type: "open", direction: "in", url: "ws://h/", protocol: "" };
const close: ConnectEvent = { type: "close", direction: "in", code: 4008, reason: "too\nlate" };
const pong: ConnectEvent = { type: "pong", direction: "in", data: Buffer.from("p"), rtt: 1.234 };

/** What the events come to: stdout as bytes, stderr as lines. */
function print(
  style: Partial<Parameters<typeof createPrinter>[0]>,
  screen: Partial<Screen>,
  ...events: ConnectEvent[]
) {
  const out: Buffer[] = [];
  const talk: string[] = [];
  const printer = createPrinter(
    { ...PLAIN, ...style },
    {
      out: (data) => void out.push(Buffer.from(data)),
      talk: (line) => void talk.push(line),
      outIsTerminal: false,
      outHasColour: false,
      isInteractive: false,
      wall: () => 1_700_000_000_000,
      ...screen,
    },
  );
  for (const event of events) printer(event);
  return { out: Buffer.concat(out).toString("latin1"), talk };
}

describe("to a pipe", () => {
  test("each message is its bytes and a line feed", () => {
    expect(print({}, {}, text("a\u001b[2J"), binary(0xff, 0), text("")).out).toBe("a\u001b[2J\n\xff\0\n\n");
  });

  test("under --binary nothing is added", () => {
    expect(print({ form: "bytes" }, {}, text("a"), binary(0xff, 0)).out).toBe("a\xff\0");
  });

  test("what was sent is not data", () => {
    expect(print({}, {}, { type: "text", direction: "out", data: "a" }).out).toBe("");
  });
});

describe("to a terminal", () => {
  const outIsTerminal = true;

  test("text is escaped and bytes are a short line of hex", () => {
    const { out } = print({}, { outIsTerminal }, text("a\u001b[2J\u009b"), binary(1, 0xff));
    expect(out).toBe("a\\u001b[2J\\u009b\nbinary 2 B: 01 ff\n");
  });

  test("under --binary bytes are text, escaped, also a character in two messages", () => {
    const { out } = print({ form: "bytes" }, { outIsTerminal }, binary(0x1b, 0x0a, 0xe2), binary(0x82, 0xac));
    expect(Buffer.from(out, "latin1").toString()).toBe("\\u001b\n\u20ac");
  });

  test("colour surrounds a message, and cannot be forged or broken by one", () => {
    const { out } = print({}, { outIsTerminal, outHasColour: true }, text("a\u001b[39mb"));
    expect(out).toBe("\u001b[36ma\\u001b[39mb\u001b[39m\n");
  });
});

describe("as JSON", () => {
  const lines = (...events: ConnectEvent[]) => {
    const { out, talk } = print({ json: true }, { outIsTerminal: true }, ...events);
    expect(talk).toEqual([]);
    return out.trimEnd().split("\n");
  };

  test("each event is one object with its time, direction and type", () => {
    const time = 1_700_000_000_000;
    expect(
      lines(open, text("a\n\u001b\u009b"), binary(0xff), pong, close).map((line) => JSON.parse(line)),
    ).toEqual([
      { time, direction: "in", type: "open", url: "ws://h/", protocol: "" },
      { time, direction: "in", type: "text", data: "a\n\u001b\u009b" },
      { time, direction: "in", type: "binary", base64: "/w==" },
      { time, direction: "in", type: "pong", base64: "cA==", rtt: 1.234 },
      { time, direction: "in", type: "close", code: 4008, reason: "too\nlate" },
    ]);
  });

  test("nothing in it steers a terminal", () => {
    expect(lines(text("\u001b\u009b\u202e"))[0]).toContain('"data":"\\u001b\\u009b\\u202e"');
  });
});

describe("talk", () => {
  const all = [
    open,
    text("abc"),
    binary(1),
    pong,
    { type: "ping", direction: "out", data: Buffer.from("\u001b\n") },
    close,
  ] as const;

  test("is nothing when nobody types and all is well", () => {
    expect(print({}, {}, ...all).talk).toEqual([]);
  });

  test("tells who types of the open and the close, with the code's name", () => {
    expect(print({}, { isInteractive: true }, ...all).talk).toEqual([
      "connected to ws://h/; Ctrl-C ends",
      "closed: 4008 no pong: too\\nlate",
    ]);
    expect(print({ level: "quiet" }, { isInteractive: true }, ...all).talk).toEqual([]);
  });

  test("tells of pings and pongs, of round trips, or of all", () => {
    const pings = ["< pong p", "> ping \\u001b\\n"];
    expect(print({ showPings: true }, {}, ...all).talk).toEqual(pings);
    expect(print({ printRtts: true, level: "quiet" }, {}, ...all).talk).toEqual(["rtt 1.23 ms"]);
    expect(print({ level: "verbose" }, {}, ...all).talk).toEqual([
      "= connected to ws://h/",
      "< text 3 B",
      "< binary 1 B",
      ...pings,
      "< close 4008 no pong: too\\nlate",
    ]);
  });

  test("tells the subprotocol, and the size of text in bytes", () => {
    expect(print({ level: "verbose" }, {}, { ...open, protocol: "mqtt" }, text("\u20ac")).talk).toEqual([
      "= connected to ws://h/, subprotocol mqtt",
      "< text 3 B",
    ]);
  });
});

test.each([
  [1000, "", "1000 normal"],
  [4510, "gone", "4510 stream lost: gone"],
  [1005, "", "1005 no code given"],
  [1006, "", "1006 lost without a close"],
  [4321, "\u001b", "4321: \\u001b"],
])("the code %d with %j is told as %j", (code, reason, told) => {
  expect(closeText(code, reason)).toBe(told);
});
