import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTokens } from "../../../src/bridge/targets/tokens.ts";
import { testClock } from "../../clock.ts";
import { folder } from "../../folder.ts";
import { memoryLog } from "../../gateway.ts";

/** Tokens of a folder or of the file `tokens` in it, and what the log said. */
function tokensHouse(files: Record<string, string>, name = "") {
  const root = folder(files);
  const [clock, log] = [testClock(), memoryLog()];
  const tokens = createTokens({ source: join(root, name), route: "/b", clock, log });
  const find = (token: string) => {
    const found = tokens.find(token);
    if (found instanceof Promise) throw new Error("a small file is read at once");
    return found?.label;
  };
  /** Looks again, as the first client does a second later. */
  const later = (token: string) => {
    clock.advance(1_000);
    return find(token);
  };
  return { path: (file: string) => join(root, file), tokens, clock, log, find, later, lines: log.lines };
}

const ofFile = (text: string) => tokensHouse({ tokens: text }, "tokens");
const TOO_LARGE = `a: b:1\n${"#".repeat(1024 * 1024)}`;

describe("a token file", () => {
  test("has a token and its target in each line, as websockify reads them", () => {
    const { find, lines } = ofFile(
      "\uFEFF# comment: a:1\r\n\r\n  one: 10.0.0.7:5900  \r\ntwo:\t[fd00::1]:22\nthree:x: tls://db:5432\nfour: unix_socket:/run/a b\nfive: unix:/run/five",
    );
    expect(["one", "two", "three:x", "four", "five"].map(find)).toEqual([
      "10.0.0.7:5900",
      "[fd00::1]:22",
      "tls://db:5432",
      "unix:/run/a b",
      "unix:/run/five",
    ]);
    expect(["", "#", "# comment", "three", "One", "__proto__", "constructor"].map(find)).toEqual(
      Array(7).fill(undefined),
    );
    expect(lines).toEqual([]);
  });

  test("may have names of objects as tokens", () => {
    const { find } = ofFile("__proto__: a:1\nconstructor: b:2");
    expect(["__proto__", "constructor"].map(find)).toEqual(["a:1", "b:2"]);
  });

  test("lets the last line of a token count", () => {
    expect(ofFile("t: a:1\nt: b:2").find("t")).toBe("b:2");
  });

  test("has its bad lines passed over, and told by number without their text", () => {
    const long = "x".repeat(513);
    const { find, lines } = ofFile(
      `hunter2\nhunter3:a:1\nhunter4: a\n: a:1\ngood: a:1\nhunter5: exec:sh\nhunter6: unix:\n${long}: a:1\n`,
    );
    expect(find("good")).toBe("a:1");
    expect(["hunter2", "hunter3", "hunter4", "hunter5", "hunter6", long, ""].map(find)).toEqual(
      Array(7).fill(undefined),
    );
    expect(lines).toEqual([
      {
        level: "warn",
        text: "! lines of the token file are passed over",
        route: "/b",
        file: expect.stringMatching(/tokens$/),
        bad: 7,
        lines: "1 2 3 4 6 7 8",
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain("hunter");
  });

  test("costs no more to read if a line is all colons and ends in what no line has", () => {
    const { find, lines } = ofFile(`good: a:1\n${": ".repeat(500_000)}\u2028x`);
    expect([find("good"), lines[0]?.["lines"]]).toEqual(["a:1", "2"]);
  });

  test("names at most ten bad lines, and counts the rest", () => {
    const { lines } = ofFile("x\n".repeat(1_000));
    expect(lines[0]).toMatchObject({ bad: 1_000, lines: "1 2 3 4 5 6 7 8 9 10" });
  });
});

describe("a token file that changes", () => {
  test("is read again within a second, and what it no longer has is gone", () => {
    const { path, find, later, clock } = ofFile("old: a:1");
    writeFileSync(path("tokens"), "fresh: b:2");
    expect(find("fresh")).toBeUndefined();
    clock.advance(999);
    expect(find("fresh")).toBeUndefined();
    clock.advance(1);
    expect(find("fresh")).toBe("b:2");
    writeFileSync(path("tokens"), "third: c:333");
    clock.advance(999);
    expect(find("third")).toBeUndefined();
    expect(later("third")).toBe("c:333");
    expect(later("old")).toBeUndefined();
  });

  test("is read again if another one of the same size and time takes its place", () => {
    const { path, later } = ofFile("old: a:1");
    writeFileSync(path("other"), "new: b:2");
    utimesSync(path("tokens"), 1, 1);
    expect(later("old")).toBe("a:1");
    utimesSync(path("other"), 1, 1);
    renameSync(path("other"), path("tokens"));
    expect(later("new")).toBe("b:2");
  });

  test("still counts as it was read last if it is gone or too large, which is told once", () => {
    const { path, later, lines } = ofFile("old: a:1");
    rmSync(path("tokens"));
    expect([later("old"), later("old")]).toEqual(["a:1", "a:1"]);
    expect(lines.length).toBe(1);
    writeFileSync(path("tokens"), TOO_LARGE);
    expect([later("old"), later("a"), lines.length]).toEqual(["a:1", undefined, 2]);
    writeFileSync(path("tokens"), "fresh: b:2");
    expect([later("old"), later("fresh"), lines.length]).toEqual([undefined, "b:2", 2]);
    rmSync(path("tokens"));
    expect([later("fresh"), lines.length]).toEqual(["b:2", 3]);
    const text = "! the token file cannot be read; what it said last still counts";
    expect(lines.map((line) => line.text)).toEqual([text, text, text]);
  });

  test.each([
    ["a FIFO, which nobody writes", (path: string) => execFileSync("mkfifo", [path])],
    ["a device, which has no end", (path: string) => symlinkSync("/dev/zero", path)],
  ])("still counts as it was, and holds nobody up, if it becomes %s", (_, become) => {
    const { path, later, lines } = ofFile("old: a:1");
    rmSync(path("tokens"));
    become(path("tokens"));
    expect([later("old"), later("old")]).toEqual(["a:1", "a:1"]);
    expect(lines).toMatchObject([{ err: { message: "it is no file" } }]);
  });

  test("has its bad lines told again only when it has changed", () => {
    const { path, later, lines } = ofFile("x");
    expect([later("a"), later("a"), lines.length]).toEqual([undefined, undefined, 1]);
    writeFileSync(path("tokens"), "x\nx");
    later("a");
    expect(lines.at(-1)).toMatchObject({ bad: 2 });
  });
});

test("a large file is read again in turns, in which others are served, and whoever asks waits for the whole of it", async () => {
  const { path, clock, tokens } = ofFile("old: a:1");
  const many = Array.from({ length: 40_000 }, (_, n) => `t${n}: b:1`);
  writeFileSync(path("tokens"), [...many, "last: c:1"].join("\n"));
  clock.advance(1_000);
  let turns = 0;
  const count = () => {
    turns += 1;
    ticking = setImmediate(count);
  };
  let ticking = setImmediate(count);
  const asked = ["last", "t0", "old"].map((token) => tokens.find(token));
  expect(asked.every((each) => each instanceof Promise)).toBe(true);
  expect((await Promise.all(asked)).map((target) => target?.label)).toEqual(["c:1", "b:1", undefined]);
  clearImmediate(ticking);
  expect(turns).toBeGreaterThanOrEqual(40_000 / 500 - 1);
  expect(tokens.find("last")).toMatchObject({ label: "c:1" });
});

describe("a folder of token files", () => {
  test("is all of its files, but none below it, none that is hidden and nothing that is no file", () => {
    const { find } = tokensHouse({ a: "one: a:1", b: "two: b:2", ".c": "three: c:3", "d/e": "four: d:4" });
    expect(["one", "two", "three", "four"].map(find)).toEqual(["a:1", "b:2", undefined, undefined]);
  });

  test("has files that come, change and go", () => {
    const { path, later } = tokensHouse({ a: "one: a:1" });
    writeFileSync(path("b"), "two: b:2");
    expect(later("two")).toBe("b:2");
    writeFileSync(path("b"), "two: c:33");
    expect(later("two")).toBe("c:33");
    rmSync(path("b"));
    expect([later("two"), later("one")]).toEqual([undefined, "a:1"]);
  });

  test("keeps what a file said last while it cannot be read, and the others change", () => {
    const { path, later, lines } = tokensHouse({ a: "one: a:1", b: "two: b:2" });
    writeFileSync(path("a"), TOO_LARGE);
    writeFileSync(path("b"), "two: c:33");
    expect([later("one"), later("two"), later("one")]).toEqual(["a:1", "c:33", "a:1"]);
    expect(lines).toMatchObject([{ level: "warn", file: path("a") }]);
    writeFileSync(path("a"), "one: d:4");
    expect(later("one")).toBe("d:4");
    writeFileSync(path("a"), TOO_LARGE);
    expect([later("one"), later("one"), lines.length]).toEqual(["d:4", "d:4", 2]);
  });

  test("passes over a link that leads nowhere and a folder that came later", () => {
    const { path, later, lines } = tokensHouse({ a: "one: a:1" });
    symlinkSync(path("nowhere"), path("link"));
    mkdirSync(path("below"));
    expect([later("one"), lines]).toEqual(["a:1", []]);
  });
});

test("says at the start that there is no such file, and where the config names it", () => {
  const source = join(folder(), "missing");
  const create = () => createTokens({ source, route: "/vnc", clock: testClock(), log: memoryLog() });
  expect(create).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  expect(create).toThrow('routes["/vnc"].tokens: cannot be read (ENOENT');
});

test("says at the start that a folder has more files than are read", () => {
  const files = Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`f${index}`, "a: b:1"]));
  expect(() => tokensHouse(files)).toThrow("1001 files, and 1000 are read");
});

test("says at the start that a file is too large to be one", () => {
  expect(() => ofFile(TOO_LARGE)).toThrow("1048576 are read");
});
