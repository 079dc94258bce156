/** What an honest client of fairlead.v1 may say, as objects that still are to be written. */
import type { Chance } from "../chance.ts";
import type { Json } from "../mutate.ts";

const TOPICS = ["a", "b", "a.b", "a.c.d", "stocks.AAPL", "é"];
const PATTERNS = ["*", ">", "a.*", "a.>", "*.b"];
const ROLES = ["center", "local"];
const POSITION = { epoch: "e1", offset: 3 };

type Fields = Record<string, Json>;

/** `ids` gives one that is above all before it. */
export function commandOf(chance: Chance, ids: () => number): Fields {
  const { t, ...fields } = chance.pick(COMMANDS)(chance);
  return { t: t ?? "ping", ...(chance.is(0.8) ? { id: ids() } : {}), ...fields };
}

const topic = (chance: Chance) => chance.pick(TOPICS);
const now = (chance: Chance, fields: Fields): Fields => (chance.is(0.4) ? fields : {});

const COMMANDS: readonly ((chance: Chance) => Fields)[] = [
  (chance) => ({
    t: "sub",
    topic: topic(chance),
    ...now(chance, { presence: true }),
    ...now(chance, { last: 5 }),
    ...now(chance, { since: POSITION }),
  }),
  (chance) => ({ t: "sub", topic: chance.pick(PATTERNS), ...now(chance, { since: { a: POSITION } }) }),
  (chance) => ({ t: "unsub", topic: chance.pick([...TOPICS, ...PATTERNS]) }),
  (chance) => ({
    t: "pub",
    data: chance.pick<Json>(["hello", 1, null, { k: "x", v: 1 }, ["a", ["b"]], "\u{1f600}"]),
    ...now(chance, { topic: topic(chance) }),
    ...now(chance, { key: chance.pick(["x", "y"]) }),
    ...now(chance, { idem: chance.pick(["i1", "i2"]), age: 10 }),
  }),
  (chance) => ({
    t: "who",
    topic: topic(chance),
    ...now(chance, { limit: 10 }),
    ...now(chance, { after: "x" }),
  }),
  (chance) => ({
    t: "history",
    topic: topic(chance),
    ...chance.pick<Fields>([{}, { since: POSITION }, { before: POSITION }]),
    ...now(chance, { limit: 10 }),
  }),
  () => ({ t: "auth", token: "header.payload.signature" }),
  () => ({ t: "ping" }),
  (chance) => ({ t: "msg", data: chance.pick<Json>(["hello", { a: 1 }]) }),
  (chance) => ({
    t: "join",
    group: chance.pick(["g1", "g2"]),
    role: chance.pick(ROLES),
    ...now(chance, { info: { name: "x" } }),
    ...now(chance, { session: "A".repeat(22), upto: 0, done: 0 }),
  }),
  (chance) => ({
    t: "send",
    data: chance.pick<Json>(["hello", { a: [1] }]),
    idem: `i${chance.below(20)}`,
    ...now(chance, { ttl: 100 }),
    ...now(chance, { done: 1 }),
  }),
  (chance) => ({ t: "ack", upto: chance.below(4) }),
  () => ({ t: "leave" }),
];
