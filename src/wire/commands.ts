/**
 * What a client says in fairlead.v1: one frame in, one checked command or one error out. Pure, never throws.
 *
 * Wire: a text frame is a JSON object with `t`; a binary frame (`pub` and `msg` only) has that object as header, and its `data` is
 * what follows. Fields that a command does not have are ignored.
 * Limits: 32 levels of nesting, the bounds below. Failure: the first fault found, with the `id` wherever that could be read.
 * Not judged here, because it takes state: whether `id` grows, what the connection may do, whether the route knows the command.
 */
import { splitFrame } from "./binary-frame.ts";
import { MAX_JSON_DEPTH, nestsDeeper } from "./json-depth.ts";
import { isEpoch, isOffset } from "./position.ts";
import { shown } from "./shown.ts";
import { isPattern, patternProblem, topicProblem } from "./topic.ts";
import { isLongerThan } from "./utf8.ts";
import type { Command, CommandName, CommandOf, Payload, Position, WireError } from "./v1.ts";
import { MAX_SINCE_TOPICS } from "./v1.ts";

/** As many messages as one page of history holds at most, and members one page of `who`. */
export const MAX_LIMIT = 1000;
/** Long enough for 128 random bits in any spelling, short enough to keep 100,000 of them. */
export const MAX_IDEM_BYTES = 64;
/** As topics. */
export const MAX_KEY_BYTES = 255;

export type Decoded =
  | { readonly command: Command }
  | { readonly id?: number | undefined; readonly err: WireError };

type Fields = Readonly<Record<string, unknown>>;

/** One command being read. The first fault is kept; what is read after it counts for nothing. */
interface Reading {
  readonly fields: Fields;
  readonly id: number | undefined;
  /** Of a binary frame. */
  readonly payload: Uint8Array | undefined;
  fault: string | undefined;
}

/** Reads one frame. Costs at most one scan, one parse, and one writing of its `data`. */
export function decodeCommand(frame: string | Uint8Array): Decoded {
  if (typeof frame === "string") return decodeObject(frame, undefined);
  const split = splitFrame(frame);
  return typeof split === "string" ? bad(split) : decodeObject(split.header, split.payload);
}

function decodeObject(text: string, payload: Uint8Array | undefined): Decoded {
  if (nestsDeeper(text)) return bad(`JSON nested too deep: expected at most ${MAX_JSON_DEPTH} levels`);
  const fields = parseObject(text);
  if (typeof fields === "string") return bad(fields);
  const { id, t } = fields;
  if (id !== undefined && !isId(id))
    return bad(`id: expected a positive integer up to 2^53 - 1, received ${shown(id)}`);
  if (typeof t !== "string") return bad(`t: expected the name of a command, received ${shown(t)}`, id);
  if (!isCommandName(t)) return { id, err: { code: "unknown_command", message: unknown(t) } };
  if (payload !== undefined && t !== "pub" && t !== "msg")
    return bad(`${t}: has no payload; send it as a text frame`, id);
  const from: Reading = { fields, id, payload, fault: undefined };
  const command = READERS[t](from);
  return from.fault === undefined ? { command } : bad(`${t}: ${from.fault}`, id);
}

function parseObject(text: string): Fields | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own text quotes the input, so it stays here.
    return 'not JSON: expected an object like {"t":"ping","id":1}';
  }
  return isFields(value)
    ? value
    : `expected a JSON object like {"t":"ping","id":1}, received ${shown(value)}`;
}

function bad(message: string, id?: number): Decoded {
  return { id, err: { code: "bad_request", message } };
}

const isId = (value: unknown): value is number => isOffset(value) && value > 0;
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isCommandName = (name: string): name is CommandName => Object.hasOwn(READERS, name);
const unknown = (name: string) =>
  `unknown command ${shown(name)}; there are ${Object.keys(READERS).join(", ")}`;

const READERS: { readonly [T in CommandName]: (from: Reading) => CommandOf<T> } = {
  sub: (from) => {
    const topic = nameOf(from, patternProblem);
    return {
      t: "sub",
      id: from.id,
      topic,
      since: isPattern(topic) ? positionsOf(from) : positionOf(from, "since"),
      last: integerOf(from, "last", MAX_LIMIT),
      presence: flagOf(from, "presence"),
    };
  },
  unsub: (from) => ({ t: "unsub", id: from.id, topic: nameOf(from, patternProblem) }),
  pub: (from) => {
    const { data, json } = payloadOf(from);
    const idem = textOf(from, "idem", MAX_IDEM_BYTES);
    const age = integerOf(from, "age", Number.MAX_SAFE_INTEGER);
    if (age !== undefined && idem === undefined)
      note(from, "age: without idem nobody knows what is sent again; send both or neither");
    const topic = from.fields["topic"] === undefined ? undefined : nameOf(from, topicProblem);
    return { t: "pub", id: from.id, topic, key: keyOf(from), idem, age, data, json };
  },
  who: (from) => ({
    t: "who",
    id: from.id,
    topic: nameOf(from, topicProblem),
    limit: integerOf(from, "limit", MAX_LIMIT),
    after: textOf(from, "after", MAX_KEY_BYTES),
  }),
  history: (from) => {
    const since = positionOf(from, "since");
    const before = positionOf(from, "before");
    if (since !== undefined && before !== undefined) note(from, "since and before: send one of them");
    const limit = integerOf(from, "limit", MAX_LIMIT);
    return { t: "history", id: from.id, topic: nameOf(from, topicProblem), since, before, limit };
  },
  auth: (from) => {
    const { token } = from.fields;
    if (typeof token === "string") return { t: "auth", id: from.id, token };
    // What stands there may be a secret in the wrong wrapping, so it is not repeated.
    note(from, "token: expected a string");
    return { t: "auth", id: from.id, token: "" };
  },
  ping: (from) => ({ t: "ping", id: from.id }),
  msg: (from) => ({ t: "msg", id: from.id, ...payloadOf(from) }),
};

function note(from: Reading, fault: string): void {
  from.fault ??= fault;
}

function expected(from: Reading, name: string, what: string): void {
  note(from, `${name}: expected ${what}, received ${shown(from.fields[name])}`);
}

function nameOf(from: Reading, problem: (name: string) => string | undefined): string {
  const { topic } = from.fields;
  if (typeof topic !== "string") {
    expected(from, "topic", "the name of a topic, like stocks.AAPL");
    return "";
  }
  const fault = problem(topic);
  if (fault !== undefined) note(from, fault);
  return topic;
}

/**
 * Data as it is kept. A string has half surrogate pairs made whole, as UTF-8 cannot say them: readers get the same text whatever
 * they speak. Other JSON is written anew, without blanks.
 */
function payloadOf(from: Reading): Payload {
  const { data } = from.fields;
  if (from.payload !== undefined) {
    if (data !== undefined)
      note(from, "data: a binary frame has it behind the header; leave it out of there");
    return { data: from.payload, json: false };
  }
  if (typeof data === "string") return { data: data.toWellFormed(), json: false };
  if (data !== undefined) return { data: JSON.stringify(data), json: true };
  note(from, "data: expected any JSON, received nothing; null is a value too");
  return { data: "", json: false };
}

/** Keys are values of a message's field as often as not: numbers and booleans count as their text. */
function keyOf(from: Reading): string | undefined {
  const { key } = from.fields;
  if (typeof key === "boolean" || (typeof key === "number" && Number.isFinite(key))) return String(key);
  return textOf(from, "key", MAX_KEY_BYTES);
}

function textOf(from: Reading, name: string, maxBytes: number): string | undefined {
  const value = from.fields[name];
  if (value === undefined) return undefined;
  if (typeof value === "string" && isText(value, maxBytes)) return value;
  expected(from, name, `a string of 1 to ${maxBytes} bytes of UTF-8`);
  return undefined;
}

function isText(value: string, maxBytes: number): boolean {
  return value !== "" && value.isWellFormed() && !isLongerThan(value, maxBytes);
}

function integerOf(from: Reading, name: string, max: number): number | undefined {
  const value = from.fields[name];
  if (value === undefined) return undefined;
  if (isOffset(value) && value <= max) return value;
  expected(from, name, `an integer from 0 to ${max === Number.MAX_SAFE_INTEGER ? "2^53 - 1" : max}`);
  return undefined;
}

function flagOf(from: Reading, name: string): boolean {
  const value = from.fields[name];
  if (value !== undefined && typeof value !== "boolean") expected(from, name, "true or false");
  return value === true;
}

function positionOf(from: Reading, name: string): Position | undefined {
  const value = from.fields[name];
  if (value === undefined || isPosition(value)) return value;
  expected(from, name, 'a position like {"epoch":"a1","offset":7}');
  return undefined;
}

/** A position has a string `epoch` and a number `offset`; in a map those would be topics, and have objects. */
function positionsOf(from: Reading): ReadonlyMap<string, Position> | undefined {
  const { since } = from.fields;
  if (since === undefined) return undefined;
  if (!isFields(since) || typeof since["epoch"] === "string" || typeof since["offset"] === "number") {
    expected(from, "since", 'for a pattern a map like {"stocks.AAPL":{"epoch":"a1","offset":7}}');
    return undefined;
  }
  const entries = Object.entries(since);
  if (entries.length > MAX_SINCE_TOPICS)
    note(
      from,
      `since: expected at most ${MAX_SINCE_TOPICS} topics, received ${entries.length}; send no since`,
    );
  const positions = new Map<string, Position>();
  for (const [topic, position] of entries.slice(0, MAX_SINCE_TOPICS)) {
    if (isPosition(position)) positions.set(topic, position);
    else note(from, `since of ${shown(topic)}: expected a position, received ${shown(position)}`);
    const fault = topicProblem(topic);
    if (fault !== undefined) note(from, `since: ${fault}`);
  }
  return positions;
}

function isPosition(value: unknown): value is Position {
  return isFields(value) && isEpoch(value["epoch"]) && isOffset(value["offset"]);
}
