/**
 * Group 6, RFC 6455 sections 5.6 and 8.1, RFC 3629: what is text and what is not. The ways in which bytes fail to be UTF-8 follow the
 * structure of that encoding: prefixes, borders of each length, lonely bytes, longer forms than needed, surrogates.
 */
import { frame, OPCODE } from "../raw-client.ts";
import {
  BEGUN,
  type Case,
  type Chop,
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

const hex = (bytes: string) => Buffer.from(bytes.replaceAll(" ", ""), "hex");
/** Greek with an accent of the extended block: characters of two and three bytes. */
const GREEK = Buffer.from("κ\u1f79σμε");
const SIGNS = Buffer.from("Grüße, 世界 — ∀x∈ℝ: ⌈x⌉ 🚀");
/** Three characters, then a surrogate, then ASCII. */
const BROKEN = hex("cebae1bdb9cf83 eda080 656469746564");

const singles = (bytes: Uint8Array) =>
  Array.from(bytes, (_, at) =>
    frame(bytes.subarray(at, at + 1), {
      opcode: at === 0 ? OPCODE.text : OPCODE.continuation,
      fin: at === bytes.length - 1,
    }),
  );

interface Sample {
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly good: boolean;
}
const good = (bytes: string | Uint8Array, title = ""): Sample => sample(bytes, title, true);
const bad = (bytes: string | Uint8Array, title = ""): Sample => sample(bytes, title, false);

function sample(from: string | Uint8Array, title: string, isGood: boolean): Sample {
  const bytes = typeof from === "string" ? hex(from) : from;
  return { title: title === "" ? Buffer.from(bytes).toHex() : title, bytes, good: isGood };
}

/** Each sample is one unfragmented text. */
function series(part: string, about: string, samples: readonly Sample[]): Case[] {
  return samples.map(({ title, bytes, good: isGood }, n) => {
    const head = { id: `${part}.${n + 1}`, title: `${about}: ${title}` };
    return isGood ? survives(head, [frame(bytes)], [text(bytes)]) : fails(head, [frame(bytes)], [1007]);
  });
}

const empties = [
  survives({ id: "6.1.1", title: "an empty text" }, [frame("")], [text("")]),
  survives(
    { id: "6.1.2", title: "three empty fragments" },
    [frame("", BEGUN), frame("", MIDDLE), frame("", LAST)],
    [text("")],
  ),
  survives(
    { id: "6.1.3", title: "a fragment with text between two empty ones" },
    [frame("", BEGUN), frame("middle", MIDDLE), frame("", LAST)],
    [text("middle")],
  ),
];

const cuts = [
  survives({ id: "6.2.1", title: "characters of one to four bytes" }, [frame(SIGNS)], [text(SIGNS)]),
  survives(
    { id: "6.2.2", title: "fragments that end between characters" },
    [frame("Grüße, ", BEGUN), frame(SIGNS.subarray(9), LAST)],
    [text(SIGNS)],
  ),
  survives({ id: "6.2.3", title: "fragments of one byte, which cut characters" }, singles(SIGNS), [
    text(SIGNS),
  ]),
  survives({ id: "6.2.4", title: "Greek in fragments of one byte" }, singles(GREEK), [text(GREEK)]),
  fails({ id: "6.3.1", title: "a surrogate within text" }, [frame(BROKEN)], [1007]),
  fails({ id: "6.3.2", title: "a surrogate within text, in fragments of one byte" }, singles(BROKEN), [1007]),
];

const LATE = {
  verdict: "NON-STRICT",
  why: "The runtime looks at UTF-8 when the message has ended (a probe of `test/runtime.test.ts`). Section 8.1 asks that it fails, not when; nothing of the message reaches a route.",
} as const;

/** Failing at once is strict; a pong, or none of these, tells which it was. The fragments that follow are good. */
function failsFast(
  id: string,
  title: string,
  parts: readonly (Uint8Array | "sync")[],
  isLast: boolean,
  chop?: Chop,
): Case {
  const send = steps([...parts, ...(isLast ? [] : [ping("still there")]), frame("end", LAST)], chop);
  const plan = () => ({
    send,
    strict: { back: [], ends: [1007] },
    nonStrict: { back: [pong("still there")], ends: [1007] },
  });
  return { id, title, known: LATE, plan };
}

const fast = [
  failsFast(
    "6.4.1",
    "bytes that are none in the second of three fragments",
    [frame(GREEK, BEGUN), frame(hex("f4908080"), MIDDLE)],
    false,
  ),
  failsFast(
    "6.4.2",
    "the first byte past the last code point, at the end of a fragment",
    [frame(GREEK, BEGUN), frame(hex("f490"), MIDDLE)],
    false,
  ),
  failsFast("6.4.3", "a surrogate at the end of the first fragment", [frame(hex("cebaeda0"), BEGUN)], false),
  failsFast(
    "6.4.4",
    "a byte that begins nothing, alone in a fragment, byte by byte",
    [frame(hex("ff"), BEGUN)],
    false,
    1,
  ),
];

/** Every prefix of a text is one too where it ends between characters. */
const prefixes = Array.from(GREEK, (_, at) => {
  const bytes = GREEK.subarray(0, at + 1);
  return Buffer.from(bytes.toString()).equals(bytes) ? good(bytes) : bad(bytes);
});

const lonely = (from: number, to: number) =>
  Buffer.concat(Array.from({ length: to - from + 1 }, (_, n) => Buffer.of(from + n, 0x20)));
const rest = (count: number) => Buffer.alloc(count, 0x80);

/** U+FFFE and U+FFFF, and the same of each further plane: no characters, and yet code points that may be sent. */
const noncharacters = Array.from({ length: 17 }, (_, plane) =>
  [0xfffe, 0xffff].map((low) => plane * 0x10000 + low),
)
  .flat()
  .map((point) => good(Buffer.from(String.fromCodePoint(point)), `U+${point.toString(16).toUpperCase()}`));

const INCOMPLETE = [
  "c0",
  "e080",
  "f08080",
  "f8808080",
  "fc80808080",
  "df",
  "efbf",
  "f7bfbf",
  "fbbfbfbf",
  "fdbfbfbfbf",
];

const samples = [
  ...series("6.5", "characters beyond ASCII", [
    good(Buffer.from("Grüße")),
    good(Buffer.from("世界")),
    good(Buffer.from("🚀")),
    good(Buffer.from("e\u0301"), "an e and its accent"),
    good(Buffer.from("\ufeffx"), "a byte order mark"),
  ]),
  ...series("6.6", "the beginning of Greek", prefixes),
  ...series("6.7", "the first code point of a length", [
    good("00"),
    good("c280"),
    good("e0a080"),
    good("f0908080"),
  ]),
  ...series("6.8", "a form that is longer than there are any", [bad("f888808080"), bad("fc8480808080")]),
  ...series("6.9", "the last code point of a length", [
    good("7f"),
    good("dfbf"),
    good("efbfbf"),
    good("f48fbfbf"),
  ]),
  ...series("6.10", "the last number of a form, past all code points", [
    bad("f7bfbfbf"),
    bad("fbbfbfbfbf"),
    bad("fdbfbfbfbfbf"),
  ]),
  ...series("6.11", "around the borders", [
    good("ed9fbf"),
    good("ee8080"),
    good("efbfbd"),
    good("f48fbfbf"),
    bad("f4908080"),
  ]),
  ...series("6.12", "bytes that continue nothing", [
    bad("80"),
    bad("bf"),
    ...[2, 3, 4, 5, 6].map((count) => bad(rest(count))),
    bad(Buffer.from(Array.from({ length: 64 }, (_, n) => 0x80 + n)), "all of them"),
  ]),
  ...series("6.13", "first bytes, each followed by a blank", [
    bad(lonely(0xc0, 0xdf), "of two"),
    bad(lonely(0xe0, 0xef), "of three"),
    bad(lonely(0xf0, 0xf7), "of four"),
    bad(lonely(0xf8, 0xfb), "of five"),
    bad(lonely(0xfc, 0xfd), "of six"),
  ]),
  ...series(
    "6.14",
    "a character without its last byte",
    INCOMPLETE.map((bytes) => bad(bytes)),
  ),
  ...series("6.15", "such ones in a row", [bad(INCOMPLETE.join(""), "all of them")]),
  ...series("6.16", "bytes that are never there", [bad("fe"), bad("ff"), bad("fefeffff")]),
  ...series("6.17", "a slash in a longer form", [
    bad("c0af"),
    bad("e080af"),
    bad("f08080af"),
    bad("f8808080af"),
    bad("fc80808080af"),
  ]),
  ...series("6.18", "the last that a shorter form could tell", [
    bad("c1bf"),
    bad("e09fbf"),
    bad("f08fbfbf"),
    bad("f887bfbfbf"),
    bad("fc83bfbfbfbf"),
  ]),
  ...series("6.19", "NUL in a longer form", [
    bad("c080"),
    bad("e08080"),
    bad("f0808080"),
    bad("f880808080"),
    bad("fc8080808080"),
  ]),
  ...series(
    "6.20",
    "one surrogate",
    ["eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"].map((bytes) => bad(bytes)),
  ),
  ...series(
    "6.21",
    "a pair of surrogates",
    ["eda080", "edadbf", "edae80", "edafbf"].flatMap((high) =>
      ["edb080", "edbfbf"].map((low) => bad(high + low)),
    ),
  ),
  ...series("6.22", "a code point that is no character", noncharacters),
  ...series(
    "6.23",
    "a special",
    [0xfff9, 0xfffa, 0xfffb, 0xfffc, 0xfffd, 0xfeff, 0xe000].map((point) =>
      good(Buffer.from(String.fromCodePoint(point)), `U+${point.toString(16).toUpperCase()}`),
    ),
  ),
];

export const utf8: Group = { id: "6", title: "UTF-8", cases: [...empties, ...cuts, ...fast, ...samples] };
