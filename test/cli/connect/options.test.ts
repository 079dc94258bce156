import { describe, expect, test } from "bun:test";
import { readArguments } from "../../../src/cli/arguments.ts";
import { command } from "../../../src/cli/commands/connect.ts";
import { readOptions } from "../../../src/cli/connect/options.ts";

const read = (...words: string[]) => readOptions(readArguments(command, words));

test("without a flag, lines of stdin are text messages and nobody is pinged", () => {
  expect(read()).toEqual({
    protocols: [],
    form: "lines",
    json: false,
    execute: [],
    readsInput: true,
    wait: undefined,
    oneMessage: false,
    close: { code: 1000, reason: "" },
    slash: false,
    level: "normal",
    showPings: false,
    printRtts: false,
    pingInterval: 0,
    pingTimeout: 0,
  });
});

describe("a flag means what it means in wscat and websocat", () => {
  test.each<[string[], object]>([
    [["-s", "a", "--subprotocol", "b, c"], { protocols: ["a", "b", "c"] }],
    [["-b"], { form: "bytes" }],
    [["--text"], { form: "lines" }],
    [["-x", "a", "-x", ""], { execute: ["a", ""], readsInput: false }],
    [["-x", "a", "--no-close"], { readsInput: true, wait: Number.POSITIVE_INFINITY }],
    [["--execute=-x"], { execute: ["-x"] }],
    [["-w", "3"], { wait: 3_000 }],
    [["-w", "0.5"], { wait: 500 }],
    [["--wait", "1m"], { wait: 60_000 }],
    [["-E"], { wait: 0 }],
    [["-1"], { oneMessage: true }],
    [["-P", "-q"], { showPings: true, level: "quiet" }],
    [["-1bv"], { oneMessage: true, form: "bytes", level: "verbose" }],
    [["--ping-interval", "10"], { pingInterval: 10_000, pingTimeout: 0 }],
    [["--ping-timeout", "2"], { pingInterval: 5_000, pingTimeout: 2_000 }],
    [["--print-ping-rtts"], { pingInterval: 5_000, printRtts: true }],
    [["--print-ping-rtts", "--ping-interval", "1"], { pingInterval: 1_000 }],
    [["--close-status-code", "4001", "--close-reason", "bye"], { close: { code: 4001, reason: "bye" } }],
    [["--json", "--slash"], { json: true, slash: true }],
  ])("%j", (words, expected) => {
    expect(read(...words)).toMatchObject(expected);
  });
});

describe("is a usage error", () => {
  test.each([
    [["-t", "-b"], "--text and --binary exclude each other; leave one out"],
    [["-b", "--slash"], "--binary and --slash exclude each other"],
    [["-q", "-v"], "--quiet and --verbose exclude each other"],
    [["-E", "--no-close"], "--exit-on-eof and --no-close exclude each other"],
    [["-w", "1", "-E"], "--wait and --exit-on-eof exclude each other"],
    [["-w", "soon"], '--wait needs seconds like 2 or 0.5, or a duration like 500ms, got "soon"'],
    [["-w", "1.2.3"], "--wait needs seconds"],
    [["--wait=-1"], '--wait needs seconds like 2 or 0.5, or a duration like 500ms, got "-1"'],
    [["--ping-interval", "99999999"], "--ping-interval needs seconds"],
    [["--close-status-code", "bye"], '--close-status-code needs a number like 1000, got "bye"'],
    [["--close-status-code", "1006"], "3000 to 4999, got 1006"],
    [["--close-reason", "x".repeat(124)], "at most 123 bytes, got 124"],
    [["-s", "a b"], '--subprotocol needs a name, got "a b"'],
    [["-s", ""], '--subprotocol needs a name, got ""'],
    [["-s", "a,a"], '--subprotocol has "a" twice'],
  ])("%j", (words, message) => {
    expect(() => read(...words)).toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringContaining(message) }),
    );
  });
});
