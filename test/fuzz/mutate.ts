/**
 * Small changes to what is valid: in few places, so that most of it stays what it was and the code behind the first check is
 * reached. Nothing here knows a grammar but JSON's.
 */
import type { Chance } from "./chance.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What parsers get wrong: ends of ranges, names of prototypes, halves of characters, what steers terminals. */
export const ODD_TEXTS = [
  "",
  " ",
  "0",
  "-1",
  "*",
  ">",
  "a.*",
  "..",
  "a..b",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "a\u0000b",
  "\u001b[31m\r\n",
  "\u202e\u2066",
  "\ud800",
  "e\u0301",
  "x".repeat(300),
  "\u{1f600}".repeat(70),
  "%2f..%2f",
  "undefined",
  "1e999",
] as const;

const ODD_NUMBERS = [0, -0, -1, 1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 64, -(2 ** 53), 1e308];
const ODD_BYTES = [
  0, 1, 9, 10, 13, 32, 34, 39, 44, 47, 58, 61, 91, 92, 93, 123, 125, 127, 128, 192, 237, 255,
];

/** `words`: what else may be put in, such as the words of a format. */
export function mutateBytes(
  chance: Chance,
  bytes: Uint8Array,
  words: readonly string[] = ODD_TEXTS,
): Buffer<ArrayBuffer> {
  const at = chance.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + 1 + chance.below(8));
  const [before, middle, after] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)];
  switch (chance.below(7)) {
    case 0:
      return Buffer.concat([before, flipped(chance, middle), after]);
    case 1:
      return Buffer.concat([before, Buffer.of(chance.pick(ODD_BYTES)), middle.subarray(1), after]);
    case 2:
      return Buffer.concat([before, chance.bytes(1 + chance.below(8)), middle, after]);
    case 3:
      return Buffer.concat([before, after]);
    case 4:
      return Buffer.concat([before, middle, middle, after]);
    case 5:
      return Buffer.concat([before]);
    default:
      return Buffer.concat([before, Buffer.from(chance.pick(words)), middle, after]);
  }
}

function flipped(chance: Chance, bytes: Uint8Array): Buffer {
  const copy = Buffer.from(bytes);
  copy[0] = (copy[0] ?? 0) ^ (1 << chance.below(8));
  return copy;
}

/** One value somewhere inside becomes another, goes, or gets a neighbour. */
export function mutateJson(chance: Chance, value: Json): Json {
  if (value === null || typeof value !== "object" || chance.is(0.15)) return oddJson(chance);
  if (Array.isArray(value)) return mutateList(chance, value);
  const keys = Object.keys(value);
  if (keys.length === 0 || chance.is(0.15)) return withKey(value, chance.pick(ODD_TEXTS), oddJson(chance));
  const key = chance.pick(keys);
  if (chance.is(0.15)) return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
  return withKey(value, key, mutateJson(chance, value[key] ?? null));
}

function mutateList(chance: Chance, list: readonly Json[]): Json {
  if (list.length === 0) return [oddJson(chance)];
  const at = chance.below(list.length);
  return chance.is(0.3) ? list.toSpliced(at, 1) : list.with(at, mutateJson(chance, list[at] ?? null));
}

/** An own key, also where it is called `__proto__`. */
function withKey(table: Readonly<Record<string, Json>>, key: string, value: Json): Json {
  return Object.fromEntries([...Object.entries(table).filter(([name]) => name !== key), [key, value]]);
}

export function oddJson(chance: Chance): Json {
  switch (chance.below(7)) {
    case 0:
      return chance.pick(ODD_NUMBERS);
    case 1:
      return chance.pick([null, true, false]);
    case 2:
      return Array.from({ length: chance.below(4) }, () => chance.pick(ODD_NUMBERS));
    case 3:
      return { [chance.pick(ODD_TEXTS)]: chance.pick(ODD_TEXTS) };
    case 4:
      return nested(chance.pick([2, 31, 32, 33, 200]));
    default:
      return chance.pick(ODD_TEXTS);
  }
}

function nested(levels: number): Json {
  let value: Json = 1;
  for (let level = 0; level < levels; level += 1) value = level % 2 ? [value] : { a: value };
  return value;
}
