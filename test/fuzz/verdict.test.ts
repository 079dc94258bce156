/** The judge lets pass what an honest gateway says, and nothing else. */
import { describe, expect, test } from "bun:test";
import { closePayload, frame, head, OPCODE } from "../raw-client.ts";
import { packed, RSV1 } from "./packed.ts";
import { judge } from "./verdict.ts";

const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
const PACKED = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
const said = (payload: string | Uint8Array, options = {}) => frame(payload, { mask: false, ...options });
const close = (code: number, reason = "") => said(closePayload(code, reason), { opcode: OPCODE.close });
const judged = (answer: string, frames: readonly Uint8Array[] = [], sent: readonly Uint8Array[] = []) =>
  judge(Buffer.concat([Buffer.from(head()), ...sent]), Buffer.concat([Buffer.from(answer), ...frames]));

describe("passes", () => {
  test.each<[what: string, answer: string, frames: Uint8Array[]]>([
    ["nothing at all", "", []],
    ["a refusal", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", []],
    ["two answers", "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 505 No\r\n\r\n", []],
    ["text, bytes and a ping", SWITCHED, [said("a"), said("b", { opcode: 2 }), said("", { opcode: 9 })]],
    ["a documented close", SWITCHED, [said("a"), close(1008, "too much")]],
    ["a frame that is cut off", SWITCHED, [said("abc").subarray(0, 3)]],
    ["compressed text, where that was agreed", PACKED, [said(packed(Buffer.from("hello")), { rsv: RSV1 })]],
  ])("%s", (_, answer, frames) => {
    expect(() => judged(answer, frames)).not.toThrow();
  });

  test("the client's own close code, echoed", () => {
    const sent = [frame(closePayload(3456, "x"), { opcode: OPCODE.close })];
    expect(() => judged(SWITCHED, [close(3456)], sent)).not.toThrow();
  });
});

describe("does not pass", () => {
  test.each<[what: string, answer: string, frames: Uint8Array[], problem: string]>([
    ["a 500", "HTTP/1.1 500 Oops\r\n\r\n", [], "the answer was 500"],
    [
      "a 500 behind another answer",
      "HTTP/1.1 200 OK\r\n\r\nok\nHTTP/1.1 500 Oops\r\n\r\n",
      [],
      "the answer was 500",
    ],
    ["a 302", "HTTP/1.1 302 Found\r\n\r\n", [], "the answer was 302"],
    ["what is no HTTP", "hello", [], "no HTTP"],
    ["an error of ours", SWITCHED, [close(1011, "internal error")], "closed with 1011"],
    ["a code that no table has", SWITCHED, [close(3456)], "closed with 3456"],
    ["a close without a code", SWITCHED, [said("", { opcode: OPCODE.close })], "closed with 1005"],
    ["a frame behind the close", SWITCHED, [close(1008), said("late")], "behind the close"],
    ["a masked frame", SWITCHED, [frame("x")], "mask"],
    ["RSV1 that nobody agreed to", SWITCHED, [said("x", { rsv: RSV1 })], "rsv 4"],
    ["a fragment", SWITCHED, [said("x", { fin: false })], "fin false"],
    ["a long control frame", SWITCHED, [said("x".repeat(126), { opcode: OPCODE.ping })], "of 126 bytes"],
    ["text that is not UTF-8", SWITCHED, [said(Buffer.of(0xff))], "utf-8"],
    ["compressed text that is no stream", PACKED, [said(Buffer.of(0xff, 0xff), { rsv: RSV1 })], ""],
  ])("%s", (_, answer, frames, problem) => {
    expect(() => judged(answer, frames)).toThrow(problem);
  });
});

test("tells what both sides said behind their heads", () => {
  const { statuses, frames, sent } = judged(SWITCHED, [said("answer")], [frame("question")]);
  expect(statuses).toEqual([101]);
  expect([`${frames[0]?.payload}`, `${sent[0]?.payload}`]).toEqual(["answer", "question"]);
});
