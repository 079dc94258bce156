/** What PROTOCOL.md says of byte streams: tags, frames and numbers are those of the code. */
import { expect, test } from "bun:test";
import { BRIDGE_FORM, SSH_FORM } from "../../src/bridge/resume/stream-form.ts";
import { parseConfig } from "../../src/config/validate.ts";
import * as frames from "../../src/wire/bridge-frames.ts";
import { CLOSE_CODES } from "../../src/wire/close-codes.ts";
import { bytesOf } from "../vectors.ts";
import { blocksOf, page, rows, section } from "./markdown.ts";

const part = section(page("PROTOCOL.md"), "Byte streams");
const table = rows(part);

test("has each tag of the code, and no other", () => {
  const told = table.flatMap(([tag = "", name]) => (tag.startsWith("0x") ? [[name, Number(tag)]] : []));
  const { connectSuccess, reconnectSuccess, data, ack } = frames.TAG;
  expect(Object.fromEntries(told)).toEqual({
    CONNECT_SUCCESS: connectSuccess,
    RECONNECT_SUCCESS: reconnectSuccess,
    DATA: data,
    ACK: ack,
  });
});

test("shows frames that are read as what stands beside them", () => {
  const lines = blocksOf(part).flatMap(({ text }) => text.trim().split("\n"));
  const read = lines.map((line) => {
    const [hex = "", said] = line.split(/ {3,}/);
    return [said, frames.readFrame(bytesOf(hex), frames.MAX_DATA)];
  });
  expect(read).toEqual([
    ["CONNECT_SUCCESS, sid MDEyMzQ1Njc4OWFiY2RlZg", { type: "connected", sid: "MDEyMzQ1Njc4OWFiY2RlZg" }],
    ['DATA, "hello"', { type: "data", bytes: new TextEncoder().encode("hello") }],
    ["DATA, the half-close", { type: "data", bytes: new Uint8Array(0) }],
    ["ACK of both", { type: "ack", count: 6 }],
    ["RECONNECT_SUCCESS", { type: "reconnected", count: 6 }],
  ]);
});

test("names close codes that there are", () => {
  const codes = table.map(([code = ""]) => code).filter((code) => /^\d{4}$/.test(code));
  expect(codes.length).toBeGreaterThan(3);
  for (const code of codes) expect(Object.keys(CLOSE_CODES)).toContain(code);
});

test("tells the limits and times of the code", () => {
  const { routes } = parseConfig({ routes: { "/": { kind: "bridge", target: "a:1" } } });
  const bridge = routes["/"];
  if (bridge?.kind !== "bridge") throw new Error("no bridge");
  for (const [value, told] of [
    [BRIDGE_FORM.maxData, "at most 65,536 bytes"],
    [SSH_FORM.maxData, "A DATA has at most\n16,384 bytes"],
    [BRIDGE_FORM.window / 1024 ** 2, "At most 1 MiB of each direction"],
    [frames.ACK_BYTES / 1024, "when 64 KiB"],
    [frames.ACK_MS, "for 500 ms"],
    [frames.IDLE_ACK_MS / 1000, "every 5 s"],
    [frames.SILENCE_MS / 1000, "for 15 s"],
    [bridge.resume.window / 1000, "`resume.window` (60 s)"],
  ] as const) {
    expect(part.text).toContain(told);
    expect(told.replaceAll(",", "")).toContain(String(value));
  }
});
