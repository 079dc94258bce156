/** Group 14, RFC 7692 sections 5 to 7: offers that must be declined, what marks a compressed message, every form of a stream, and what is none. */
import { constants, deflateRawSync } from "node:zlib";
import { deflated, EXTENSIONS, RSV1 } from "../deflate.ts";
import { type FrameOptions, frame, OPCODE } from "../raw-client.ts";
import {
  BEGUN,
  type Case,
  type Chop,
  close,
  fails,
  type Group,
  LAST,
  MIDDLE,
  ping,
  pong,
  steps,
  survives,
  text,
} from "./case.ts";
import { PATHS } from "./play.ts";

const offer = "permessage-deflate; client_max_window_bits";

/** Section 7.1: the server MUST decline such an offer; the connection is one without compression. */
const OFFERS = [
  "permessage-deflate; unknown",
  "permessage-deflate; unknown=1",
  "permessage-deflate; server_no_context_takeover=1",
  "permessage-deflate; client_no_context_takeover=true",
  "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
  "permessage-deflate; client_max_window_bits; client_max_window_bits",
  "permessage-deflate; server_max_window_bits",
  "permessage-deflate; server_max_window_bits=7",
  "permessage-deflate; server_max_window_bits=16",
  "permessage-deflate; server_max_window_bits=abc",
  "permessage-deflate; client_max_window_bits=7",
  "permessage-deflate; client_max_window_bits=16",
  "permessage-deflate; client_max_window_bits=010",
  "permessage-deflate; client_max_window_bits=-9",
  "x-webkit-deflate-frame",
  "permessage-deflates",
];

const declined = OFFERS.map(
  (refused, n): Case => ({
    ...survives(
      { id: `14.1.${n + 1}`, title: `the offer \`${refused}\` is declined` },
      [frame("x")],
      [text("x")],
    ),
    head: { path: PATHS.deflate, headers: { [EXTENSIONS]: refused } },
    answered: { [EXTENSIONS]: null },
  }),
);

const accepted = [
  'permessage-deflate; client_max_window_bits="10"',
  "permessage-deflate ; client_no_context_takeover",
  "unknown, permessage-deflate",
  "permessage-deflate; unknown, permessage-deflate",
  "permessage-deflate; client_max_window_bits=8",
].map((taken, n) =>
  survives(
    { id: `14.2.${n + 1}`, title: `the offer \`${taken}\` is taken`, offer: taken },
    [whole("taken")],
    [text("taken")],
  ),
);

function packed(payload: Uint8Array, options: FrameOptions = {}): Buffer {
  return frame(payload, { rsv: RSV1, ...options });
}
function whole(data: string): Buffer {
  return packed(deflated(data));
}

const LONG = "a message that repeats itself, a message that repeats itself. ".repeat(20);
const stream = deflated(LONG);
const head = (id: string, title: string) => ({ id: `14.${id}`, title, offer });
const reads = (
  id: string,
  title: string,
  parts: readonly (Uint8Array | "sync")[],
  back: readonly string[],
  chop?: Chop,
) => survives(head(id, title), parts, back, chop);
const refuses = (id: string, title: string, parts: readonly Uint8Array[], code: number) =>
  fails(head(id, title), parts, [code]);

const forms = [
  reads(
    "3.1",
    "a message as it is on a connection with compression",
    [frame("as it is")],
    [text("as it is")],
  ),
  reads(
    "3.2",
    "compressed and other messages in turn",
    [whole("a"), frame("b"), whole("c")],
    [text("a"), text("b"), text("c")],
  ),
  reads("3.3", "a stored block", [packed(deflated(LONG, { level: 0 }))], [text(LONG)]),
  reads(
    "3.4",
    "a block of fixed codes",
    [packed(deflated(LONG, { strategy: constants.Z_FIXED }))],
    [text(LONG)],
  ),
  reads("3.5", "a stream with a window of 9 bits", [packed(deflated(LONG, { windowBits: 9 }))], [text(LONG)]),
  reads(
    "3.6",
    "two blocks",
    [
      packed(
        Buffer.concat([deflateRawSync("one ", { finishFlush: constants.Z_FULL_FLUSH }), deflated("two")]),
      ),
    ],
    [text("one two")],
  ),
  reads(
    "3.7",
    "a final block and the byte that follows it (section 7.2.3.4)",
    [packed(Buffer.concat([deflateRawSync("final"), Buffer.of(0)]))],
    [text("final")],
  ),
  reads(
    "3.8",
    "a stream that keeps the four bytes at its end",
    [packed(deflateRawSync("kept", { finishFlush: constants.Z_SYNC_FLUSH }))],
    [text("kept")],
  ),
  reads("3.9", "an empty message", [packed(Buffer.of(0))], [text("")]),
  reads(
    "3.10",
    "the same message twice, each by itself",
    [whole(LONG), whole(LONG)],
    [text(LONG), text(LONG)],
  ),
];

const first = packed(stream.subarray(0, 20), BEGUN);
const rest = stream.subarray(20);

const cut = [
  reads("4.1", "two fragments, RSV1 on the first", [first, frame(rest, LAST)], [text(LONG)]),
  reads("4.2", "a ping between fragments", [first, ping("p"), frame(rest, LAST)], [pong("p"), text(LONG)]),
  reads(
    "4.3",
    "fragments without a byte",
    [packed(Buffer.alloc(0), BEGUN), frame(stream, MIDDLE), frame("", LAST)],
    [text(LONG)],
  ),
  reads("4.4", "byte by byte", [whole(LONG)], [text(LONG)], 1),
  refuses("4.5", "RSV1 on the second fragment", [first, frame(rest, { ...LAST, rsv: RSV1 })], 1002),
  refuses(
    "4.6",
    "RSV1 on the second fragment alone",
    [frame("x", BEGUN), frame(rest, { ...LAST, rsv: RSV1 })],
    1002,
  ),
  refuses("4.7", "RSV1 on a ping", [frame("p", { opcode: OPCODE.ping, rsv: RSV1 })], 1002),
  refuses("4.8", "RSV1 on a close", [frame("", { opcode: OPCODE.close, rsv: RSV1 })], 1002),
  refuses("4.9", "RSV1 and RSV2", [frame(stream, { rsv: 6 })], 1002),
];

const SHORT = {
  verdict: "NON-STRICT",
  why: "The runtime delivers what it could inflate and says nothing of the rest (probes of `test/runtime-deflate.test.ts`). Section 7.2.2 says how to inflate, not how a stream that ends early is told; a checksum in the message finds it.",
} as const;

/** Strict is to fail, or to read all of it; the other one delivers `short`. */
function shortened(id: string, title: string, payload: Uint8Array, short: string): Case {
  const plan = () => ({
    send: steps([packed(payload), close(1000)]),
    strict: { back: [], ends: [1007] },
    nonStrict: { back: [text(short)], ends: [1000] },
  });
  return { ...head(id, title), known: SHORT, plan };
}

const EARLIER = "remember this text";

const wrong = [
  refuses("5.1", "bytes that are no stream", [packed(Buffer.alloc(8, 0xff))], 1007),
  refuses(
    "5.2",
    "bytes that are none in the second fragment",
    [first, frame(Buffer.alloc(20, 0xff), LAST)],
    1007,
  ),
  fails(
    head("5.3", "a stream that looks back to an earlier message"),
    [whole(EARLIER), packed(deflated(EARLIER, { dictionary: Buffer.from(EARLIER) }))],
    [1007],
    [text(EARLIER)],
  ),
  refuses(
    "5.4",
    "text that is no UTF-8 once it is inflated",
    [packed(deflated(Buffer.of(0xff, 0xfe)))],
    1007,
  ),
  refuses(
    "5.5",
    "binary that inflates past the limit",
    [packed(deflated(Buffer.alloc(64 * 1024 ** 2)), { opcode: OPCODE.binary })],
    1009,
  ),
  shortened(
    "5.6",
    "a stream that ends in the middle",
    deflated("cut in the middle").subarray(0, 8),
    "cut in p",
  ),
  shortened(
    "5.7",
    "bytes after a final block",
    Buffer.concat([deflateRawSync("one"), deflateRawSync("two")]),
    "one",
  ),
];

export const deflateFrames: Group = {
  id: "14",
  title: "deflate: offers, frames and streams",
  cases: [...declined, ...accepted, ...forms, ...cut, ...wrong],
};
