/**
 * Groups 12 and 13, RFC 7692: messages of many kinds and sizes, compressed and cut into fragments, under each set of parameters that a
 * client may ask for. A case sends up to fifty messages, a fourth of a megabyte together where that is enough for two, and wants each back as it was.
 */
import { deflated, RSV1 } from "../deflate.ts";
import { frame, OPCODE } from "../raw-client.ts";
import { seeded } from "../seeded.ts";
import { type Case, close, type Group, LAST, MIDDLE, steps, told } from "./case.ts";

const KIB = 1024;
const TOTAL = 256 * KIB;
const MOST = 50;

/** Size of a message, and of the fragments of what it is compressed to; 0: one frame. */
const SHAPES: readonly (readonly [size: number, fragment: number])[] = [
  ...[16, 64, 256, 1024, 4096, 8192, 16_384, 32_768, 65_536, 131_072].map((size) => [size, 0] as const),
  ...[8192, 16_384, 32_768, 65_536, 131_072].map((size) => [size, 256] as const),
  ...[1024, 4096, 32_768].map((fragment) => [131_072, fragment] as const),
];

interface Source {
  readonly name: string;
  readonly opcode: number;
  /** As many bytes as the largest message has, twice. */
  readonly bytes: Buffer;
}

const LENGTH = 2 * 131_072;
const WORDS =
  "the gate river under stands and a letter was carried over old stones by nobody in spring".split(" ");

function text(name: string, next: (index: number) => string): Source {
  let all = "";
  for (let index = 0; all.length < LENGTH; index += 1) all += next(index);
  return { name, opcode: OPCODE.text, bytes: Buffer.from(all).subarray(0, LENGTH) };
}

function binary(name: string, next: (index: number) => number): Source {
  const bytes = Buffer.alloc(LENGTH);
  for (let index = 0; index < LENGTH; index += 1) bytes[index] = next(index);
  return { name, opcode: OPCODE.binary, bytes };
}

/** From what compresses to nearly nothing to what does not compress. The same in every run. */
function createSources() {
  const chance = seeded(7692);
  const word = () => WORDS[Math.floor(chance() * WORDS.length)];
  return {
    json: text("JSON", (n) => `{"id":${n},"price":${(chance() * 500).toFixed(2)},"symbol":"${word()}"},`),
    prose: text("prose", (n) => `${word()}${n % 13 === 12 ? ". " : " "}`),
    picture: binary("a picture", (n) => ((n % 512) / 2 + (n >> 9) / 4 + chance() * 8) & 0xff),
    noise: binary("noise", () => Math.floor(chance() * 256)),
    zeros: binary("zeros", () => 0),
  };
}
const sources = createSources();

type Terms = Pick<Case, "offer" | "agreed" | "known">;

/** The eighteen shapes of one source under one offer. */
function series(part: string, { name, opcode, bytes }: Source, about: string, terms: Terms): Case[] {
  return SHAPES.map(([size, fragment], index) => {
    const count = Math.max(2, Math.min(MOST, TOTAL / size));
    const cut = fragment === 0 ? "" : `, in fragments of ${fragment}`;
    const pieces = () => Array.from({ length: count }, (_, n) => pieceOf(bytes, n, size));
    return {
      id: `${part}.${index + 1}`,
      title: `${about}: ${count} messages of ${size} bytes of ${name}${cut}`,
      ...terms,
      plan: () => ({
        send: steps([...pieces().flatMap((piece) => compressed(piece, opcode, fragment)), close(1000)]),
        strict: { back: pieces().map((piece) => told(opcode, piece)), ends: [1000] },
      }),
    };
  });
}

/** Messages differ, and each begins where no other did. */
function pieceOf(bytes: Buffer, index: number, size: number): Buffer {
  const at = (index * 997) % (bytes.length - size);
  return bytes.subarray(at, at + size);
}

/** Only the first fragment has RSV1 (RFC 7692 section 6.1). */
function compressed(piece: Uint8Array, opcode: number, fragment: number): Buffer[] {
  const payload = deflated(piece);
  const step = fragment === 0 ? payload.length : fragment;
  const frames: Buffer[] = [];
  for (let at = 0; at < payload.length; at += step) {
    const fin = at + step >= payload.length;
    const options = at === 0 ? { opcode, fin, rsv: RSV1 } : fin ? LAST : MIDDLE;
    frames.push(frame(payload.subarray(at, at + step), options));
  }
  return frames;
}

const PLAIN = "permessage-deflate; client_max_window_bits";

export const deflate: Group = {
  id: "12",
  title: "deflate: kinds of messages",
  cases: Object.values(sources).flatMap((source, index) =>
    series(`12.${index + 1}`, source, "the usual offer", { offer: PLAIN }),
  ),
};

const DECLINED = {
  verdict: "UNIMPLEMENTED",
  why: "The runtime's shared compressor has one window, of 15 bits, and declines an offer that asks for a smaller one (a probe of `test/runtime-deflate.test.ts`; section 7.1.2.1 allows that). Messages then go uncompressed.",
} as const;
const NO_TAKEOVER = "server_no_context_takeover";

const TERMS: readonly (readonly [about: string, terms: Terms])[] = [
  ["no parameters", { offer: "permessage-deflate" }],
  ["no context takeover", { offer: `permessage-deflate; ${NO_TAKEOVER}`, agreed: [NO_TAKEOVER] }],
  ["a window of 9 bits", { offer: "permessage-deflate; server_max_window_bits=9", known: DECLINED }],
  [
    "a window of 15 bits",
    { offer: "permessage-deflate; server_max_window_bits=15", agreed: ["server_max_window_bits=15"] },
  ],
  [
    "no context takeover and a window of 9 bits",
    { offer: `permessage-deflate; ${NO_TAKEOVER}; server_max_window_bits=9`, known: DECLINED },
  ],
  [
    "no context takeover and a window of 15 bits",
    {
      offer: `permessage-deflate; ${NO_TAKEOVER}; server_max_window_bits=15`,
      agreed: [NO_TAKEOVER, "server_max_window_bits=15"],
    },
  ],
  [
    "a window of 9 bits, or else none",
    {
      offer: `permessage-deflate; ${NO_TAKEOVER}; server_max_window_bits=9, permessage-deflate; ${NO_TAKEOVER}`,
      agreed: [NO_TAKEOVER],
    },
  ],
];

export const deflateTerms: Group = {
  id: "13",
  title: "deflate: parameters",
  cases: TERMS.flatMap(([about, terms], index) => series(`13.${index + 1}`, sources.json, about, terms)),
};
