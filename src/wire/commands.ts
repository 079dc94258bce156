/**
 * What a client says in fairlead.v1: one frame in, one checked command or one error out. Pure, never throws.
 *
 * Wire: a text frame is a JSON object with `t`; a binary frame (`pub`, `msg` and `send` only) has that object as header, and its
 * `data` is what follows. Fields that a command does not have are ignored.
 * Limits: 32 levels of nesting, the bounds below. Failure: the first fault found, with the `id` wherever that could be read.
 * Not judged here, because it takes state: whether `id` grows, what the connection may do, whether the route knows the command.
 */
import { splitFrame } from "./binary-frame.ts";
import {
  countOf,
  type Fields,
  flagOf,
  groupOf,
  infoOf,
  integerOf,
  isFields,
  keyOf,
  MAX_KEY_BYTES,
  missing,
  nameOf,
  note,
  payloadOf,
  positionOf,
  positionsOf,
  type Reading,
  roleOf,
  sessionOf,
  textOf,
} from "./command-fields.ts";
import { MAX_JSON_DEPTH, nestsDeeper } from "./json-depth.ts";
import { isOffset } from "./position.ts";
import { shown } from "./shown.ts";
import { isPattern, patternProblem, topicProblem } from "./topic.ts";
import type { Command, CommandName, CommandOf, WireError } from "./v1.ts";

/** As many messages as one page of history holds at most, and members one page of `who`. */
export const MAX_LIMIT = 1000;
/** Long enough for 128 random bits in any spelling, short enough to keep 100,000 of them. */
export const MAX_IDEM_BYTES = 64;

export type Decoded =
  | { readonly command: Command }
  | { readonly id?: number | undefined; readonly err: WireError };

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
  if (payload !== undefined && t !== "pub" && t !== "msg" && t !== "send")
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
    const age = countOf(from, "age");
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
  join: (from) => {
    const group = groupOf(from);
    const role = roleOf(from);
    const session = sessionOf(from);
    const upto = countOf(from, "upto");
    const done = countOf(from, "done");
    if (session === undefined && (upto ?? done) !== undefined)
      note(from, "upto and done: count within a session; send the session they belong to, or none of them");
    return { t: "join", id: from.id, group, role, info: infoOf(from), session, upto, done };
  },
  send: (from) => {
    const { data, json } = payloadOf(from);
    const idem = textOf(from, "idem", MAX_IDEM_BYTES) ?? missing(from, "idem", "");
    const ttl = countOf(from, "ttl");
    return { t: "send", id: from.id, idem, ttl, done: countOf(from, "done"), data, json };
  },
  ack: (from) => ({ t: "ack", id: from.id, upto: countOf(from, "upto") ?? missing(from, "upto", 0) }),
  leave: (from) => ({ t: "leave", id: from.id }),
};
