import { describe, expect, test } from "bun:test";
import { timelineOf } from "../../../src/cli/replay/timeline.ts";
import type { Data } from "../../../src/connection.ts";

const frame = (data: Data, dir: "in" | "out" = "in", t = 1_234) =>
  timelineOf({ type: "frame", frame: { t, dir, data } });

describe("the timeline of a recording", () => {
  test("begins with when and where, and ends with how", () => {
    const header = {
      version: "1.2.3",
      route: "/r",
      started: "2026-11-21",
      about: { conn: "c1", group: "g" },
    };
    expect(timelineOf({ type: "header", header })).toBe("2026-11-21 /r, by fairlead 1.2.3, conn c1, group g");
    expect(timelineOf({ type: "end", t: 2_000, end: "closed" })).toBe("    2.000  =   the session ended");
    expect(timelineOf({ type: "end", t: 2_000, end: "full" })).toContain("was full");
    expect(timelineOf({ type: "end", t: 2_000, end: "slow" })).toContain("too slow");
  });

  test("has time, direction, type and size of each frame, and what was said", () => {
    expect(frame("hällo")).toBe("    1.234  in  text 6 B: hällo");
    expect(frame("", "out", 0)).toBe("    0.000  out text 0 B: ");
    expect(frame("x", "in", 123_456_789)).toStartWith("123456.789  in ");
  });

  test("shows bytes that are a text as one, others in hex", () => {
    expect(frame(Buffer.from("GET / HTTP/1.1\r\n"))).toBe(
      "    1.234  in  binary 16 B: GET / HTTP/1.1\\u000d\\n",
    );
    expect(frame(Buffer.of(0, 1, 255))).toBe("    1.234  in  binary 3 B: 00 01 ff");
    expect(frame(Buffer.from("a\0b"))).toContain("61 00 62");
    expect(frame(Buffer.of(0xc3))).toContain("binary 1 B: c3");
    expect(frame(new Uint8Array())).toBe("    1.234  in  binary 0 B");
  });

  test("has nothing that a terminal obeys, one line each, also in what stands about the session", () => {
    const bad = "\u001b]0;x\u0007\u202e\u009b31m\r\n\u2028";
    const header = { version: bad, route: bad, started: bad, about: { [bad]: bad } };
    for (const text of [frame(bad), frame(Buffer.from(bad)), timelineOf({ type: "header", header })])
      expect(text).not.toMatch(/[\p{Cc}\p{Zl}\p{Bidi_Control}]/u);
  });

  test("has the beginning of what is long", () => {
    const text = frame("x".repeat(1_500));
    expect(text).toEndWith("xxx ... and 500 more");
    expect(text.length).toBeLessThan(1_100);
  });
});
