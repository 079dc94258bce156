import { expect, test } from "bun:test";
import { readSlash, type Slash } from "../../../src/cli/connect/slash.ts";

test.each<[string, Slash]>([
  ["hello", { do: "send", text: "hello" }],
  ["", { do: "send", text: "" }],
  ["//etc", { do: "send", text: "/etc" }],
  ["/ping", { do: "ping", data: "" }],
  ["/ping are you there", { do: "ping", data: "are you there" }],
  ["/pong x", { do: "pong", data: "x" }],
  ["/close", { do: "close", code: 1000, reason: "" }],
  ["/close 4001", { do: "close", code: 4001, reason: "" }],
  ["/close 1000 bye bye", { do: "close", code: 1000, reason: "bye bye" }],
  ["/close bye", { do: "close", code: 1000, reason: "bye" }],
  ["/close 3000 ", { do: "close", code: 3000, reason: "" }],
])("%j is understood", (line, slash) => {
  expect(readSlash(line)).toEqual(slash);
});

test.each([
  ["/pin", "/pin is no command; there are /ping, /pong and /close, and // sends a /"],
  ["/", "/ is no command"],
  ["/\u001b[2J", "/\\u001b[2J is no command"],
  [`/ping ${"\u20ac".repeat(42)}`, "/ping carries at most 125 bytes"],
  ["/close 1005", "got 1005"],
  ["/close 1015", "got 1015"],
  ["/close 2000", "got 2000"],
  ["/close 99999999999999999999", "got 100000000000000000000"],
  [`/close 1000 ${"x".repeat(124)}`, "a close reason has at most 123 bytes, got 124"],
])("%j is complained of and sends nothing", (line, text) => {
  expect(readSlash(line)).toEqual({ do: "complain", text: expect.stringContaining(text) });
});
