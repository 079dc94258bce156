/** Group 9, RFC 6455 sections 5.4 and 10.4: large messages, many messages, odd segments. What comes back must be whole. */
import { frame, OPCODE } from "../raw-client.ts";
import { type Case, close, type Group, LAST, MIDDLE, steps, told } from "./case.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

interface Large {
  readonly size: number;
  /** Bytes of each fragment; absent: one frame. */
  readonly fragment?: number;
  readonly chop?: number;
  readonly count?: number;
}

const KINDS = [
  { name: "text", opcode: OPCODE.text },
  { name: "binary", opcode: OPCODE.binary },
] as const;

function sizeText(size: number): string {
  if (size >= MIB) return `${size / MIB} MiB`;
  return size >= KIB ? `${size / KIB} KiB` : `${size} bytes`;
}

function titleOf(name: string, { size, fragment, chop, count = 1 }: Large): string {
  const what =
    count === 1 ? `${name} of ${sizeText(size)}` : `${count} messages, ${name} of ${sizeText(size)}`;
  if (fragment !== undefined) return `${what} in fragments of ${sizeText(fragment)}`;
  return chop === undefined ? what : `${what} in segments of ${sizeText(chop)}`;
}

/** Text of four letters, so that a piece which is lost or doubled changes the whole. */
function payloadOf(size: number): Buffer {
  const payload = Buffer.alloc(size);
  for (let at = 0; at < size; at += 1) payload[at] = 0x61 + ((at * 7 + (at >> 8) + (at >> 16)) % 26);
  return payload;
}

/** One message; in fragments if their size is given. */
export function framed(
  payload: Uint8Array,
  opcode: number,
  fragment = Math.max(1, payload.length),
): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < payload.length; at += fragment) {
    const fin = at + fragment >= payload.length;
    const kind = at === 0 ? { opcode, fin } : fin ? LAST : MIDDLE;
    frames.push(frame(payload.subarray(at, at + fragment), kind));
  }
  return frames;
}

function large(id: string, { name, opcode }: (typeof KINDS)[number], what: Large): Case {
  const { size, fragment, chop, count = 1 } = what;
  return {
    id,
    title: titleOf(name, what),
    plan() {
      const payload = payloadOf(size);
      const message = Buffer.concat(framed(payload, opcode, fragment));
      const parts = [...Array.from({ length: count }, () => message), close(1000)];
      const back = Array.from({ length: count }, () => told(opcode, payload));
      return { send: steps(parts, chop), strict: { back, ends: [1000] } };
    },
  };
}

/** A part for text and one for binary. */
function inBoth(first: number, list: readonly Large[]): Case[] {
  return KINDS.flatMap((kind, index) =>
    list.map((what, n) => large(`9.${first + index}.${n + 1}`, kind, what)),
  );
}

const SIZES = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB];
const FRAGMENTS = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB];
const SEGMENTS = [64, 128, 256, 512, KIB, 2 * KIB];
const SMALL = [0, 16, 64, 256, KIB, 4 * KIB];

export const limits: Group = {
  id: "9",
  title: "limits and performance",
  isLong: true,
  cases: [
    ...inBoth(
      1,
      SIZES.map((size) => ({ size })),
    ),
    ...inBoth(
      3,
      FRAGMENTS.map((fragment) => ({ size: 4 * MIB, fragment })),
    ),
    ...inBoth(
      5,
      SEGMENTS.map((chop) => ({ size: MIB, chop })),
    ),
    ...inBoth(
      7,
      SMALL.map((size) => ({ size, count: 1000 })),
    ),
  ],
};
