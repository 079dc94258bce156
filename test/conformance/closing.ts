/** Group 7, RFC 6455 sections 5.5.1 and 7: the close handshake, its payloads and its codes. */
import { closePayload, frame, OPCODE } from "../raw-client.ts";
import { BEGUN, type Case, close, fails, type Group, LAST, type Plan, ping, steps, text } from "./case.ts";

/** The client closes; `code` is what it is answered with. */
function ended(
  id: string,
  title: string,
  parts: readonly (Uint8Array | "sync")[],
  code: number,
  back: readonly string[] = [],
): Case {
  const plan = (): Plan => ({ send: steps(parts), strict: { back, ends: [code] } });
  return { id, title, plan };
}

const raw = (payload: string | Uint8Array) => frame(payload, { opcode: OPCODE.close });
/** Enough to take a while. */
const large = "x".repeat(256 * 1024);

const handshake = [
  ended("7.1.1", "a text, then a close", [frame("before"), close(1000)], 1000, [text("before")]),
  ended("7.1.2", "two closes: one answer", [close(1000), close(1001)], 1000),
  ended("7.1.3", "a ping after the close: no pong", [close(1000), ping("late")], 1000),
  ended("7.1.4", "a text after the close: nothing", [close(1000), frame("late")], 1000),
  ended(
    "7.1.5",
    "a close between fragments: no message",
    [frame("a", BEGUN), close(1000), frame("b", LAST)],
    1000,
  ),
  ended("7.1.6", "256 KiB, a close, and a ping", [frame(large), close(1000), ping("late")], 1000, [
    text(large),
  ]),
  ended("7.1.7", "a text in a write of its own after the close", [close(1000), "sync", frame("late")], 1000),
];

const payloads = [
  ended("7.3.1", "a close without a payload", [raw("")], 1005),
  fails({ id: "7.3.2", title: "a close of one byte" }, [raw("x")], [1002]),
  ended("7.3.3", "a code alone", [close(1000)], 1000),
  ended("7.3.4", "a code and a reason", [close(1000, "done")], 1000),
  ended("7.3.5", "a reason of 123 bytes, the most there may be", [close(1000, "x".repeat(123))], 1000),
  fails({ id: "7.3.6", title: "a reason of 124 bytes" }, [close(1000, "x".repeat(124))], [1002]),
  fails(
    { id: "7.3.7", title: "a close in two fragments" },
    [frame(closePayload(1000), { opcode: OPCODE.close, fin: false })],
    [1002],
  ),
  fails(
    { id: "7.5.1", title: "a reason that is no UTF-8" },
    [close(1000, Buffer.of(0xce, 0xba, 0xff, 0x80))],
    [1007],
  ),
];

/** Section 7.4.1 and the registry of IANA, then the ranges of 7.4.2. */
const GOOD = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
/** Reserved, never to be sent, or of a range that nobody may use. */
const BAD = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999];
const BEYOND = [5000, 65_535];

export const closing: Group = {
  id: "7",
  title: "closing",
  cases: [
    ...handshake,
    ...payloads,
    ...GOOD.map((code, n) =>
      ended(`7.7.${n + 1}`, `code ${code}, which comes back`, [close(code, "bye")], code),
    ),
    ...BAD.map((code, n) =>
      fails({ id: `7.9.${n + 1}`, title: `code ${code}` }, [close(code, "bye")], [1002]),
    ),
    ...BEYOND.map((code, n) =>
      fails({ id: `7.13.${n + 1}`, title: `code ${code}` }, [close(code, "bye")], [1002]),
    ),
  ],
};
