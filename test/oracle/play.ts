/** Plays a sequence of steps, and holds every reader to the log after each. */
import { expect } from "bun:test";
import fc from "fast-check";
import { type Kind, MARK, type OracleHouse, openHouse, type StartEngine } from "./house.ts";
import { createFollower, PATTERN, type V1Follower } from "./reader.ts";
import type { Link } from "./wire.ts";

/** Nobody's path names the last one. */
const TOPICS = ["a", "b", "c"] as const;
type Topic = (typeof TOPICS)[number];

export interface Step {
  readonly act: "publish" | "connect" | "cut" | "stall" | "read" | "sub" | "unsub" | "age" | "restart";
  readonly reader: number;
  readonly topic: Topic;
  /** For `sub` and `unsub`: all topics at once. */
  readonly isPattern: boolean;
  readonly size: number;
  readonly key: string | undefined;
  readonly times: number;
  readonly from: "since" | "last" | "now";
  /** Of what waits for it, how much the peer leaves. */
  readonly left: number;
  /** Whether everything comes to rest before the next step. */
  readonly rests: boolean;
}

export const steps = fc.array(
  fc.record<Step>({
    act: fc.oneof(
      { weight: 12, arbitrary: fc.constant("publish" as const) },
      { weight: 5, arbitrary: fc.constantFrom("connect" as const, "stall" as const, "read" as const) },
      { weight: 3, arbitrary: fc.constantFrom("cut" as const, "sub" as const, "unsub" as const) },
      { weight: 1, arbitrary: fc.constantFrom("age" as const, "restart" as const) },
    ),
    reader: fc.nat(3),
    topic: fc.constantFrom(...TOPICS),
    isPattern: fc.constantFrom(false, false, true),
    size: fc.integer({ min: 8, max: 400 }),
    key: fc.constantFrom("x", "y", undefined),
    times: fc.integer({ min: 1, max: 6 }),
    from: fc.constantFrom("since", "since", "since", "last", "now"),
    left: fc.constantFrom(0, 0, 0.3, 0.8),
    rests: fc.boolean(),
  }),
  { minLength: 1, maxLength: 60, size: "max" },
);

/** A reader over all its connections. The first three speak fairlead.v1, the last one is plain. */
interface Reader {
  readonly own: Topic;
  readonly follower: V1Follower | undefined;
  /** Names and patterns. */
  readonly subscribed: Set<string>;
  readonly plain: string[];
  link: Link | undefined;
  lastId: number;
  hasStalled: boolean;
  /** Published in its topic before it connected. */
  joinedAt: number;
}

export async function play(
  kind: Kind,
  startEngine: StartEngine,
  all: readonly Step[],
): Promise<{ got: number; gaps: number }> {
  const house = await openHouse(kind, startEngine);
  const readers = Array.from({ length: 4 }, (_, i) => createReader(i, house));
  const publisher = createPublisher(house);
  const act = createActs(kind, house, publisher);
  try {
    for (const step of all) {
      const reader = readers[step.reader];
      if (reader === undefined) throw new Error("no such reader");
      for (const { follower } of readers) follower?.believe();
      await act(step, reader);
      if (!step.rests) continue;
      await house.settle();
      check(house, readers);
    }
    await finish(house, readers, publisher);
    return {
      got: readers.reduce((sum, { follower }) => sum + (follower?.got ?? 0), 0),
      gaps: readers.reduce((sum, { follower }) => sum + (follower?.gaps ?? 0), 0),
    };
  } finally {
    await house.end();
  }
}

function createReader(i: number, { log }: OracleHouse): Reader {
  return {
    own: i === 1 ? "b" : "a",
    follower: i === 3 ? undefined : createFollower(log),
    subscribed: new Set(),
    plain: [],
    link: undefined,
    lastId: 0,
    hasStalled: false,
    joinedAt: 0,
  };
}

/** Publishes numbered texts: every other one as a plain client would. */
function createPublisher(house: OracleHouse) {
  let count = 0;
  let lastId = 0;
  let links: Record<string, Link> = {};
  const connect = (name: string, topic: string, query: string | undefined) => {
    const link = links[name];
    if (link?.isOpen) return link;
    const opened = house.connect(topic, query, { heard: () => {}, closed: () => {} });
    links = { ...links, [name]: opened };
    return opened;
  };
  return (topic: Topic, size: number, key: string | undefined) => {
    count += 1;
    const data = `${count}`.padEnd(size, ".");
    if (count % 2 === 0) {
      connect(`plain ${topic}`, topic, undefined).say(data);
      return;
    }
    lastId += 1;
    connect(`v1 ${topic}`, topic, "").say(JSON.stringify({ t: "pub", id: lastId, data, key }));
  };
}
type Publish = ReturnType<typeof createPublisher>;

function createActs(kind: Kind, house: OracleHouse, publish: Publish) {
  return async (step: Step, reader: Reader): Promise<void> => {
    switch (step.act) {
      case "publish":
        for (let i = 0; i < step.times; i += 1) publish(step.topic, step.size, step.key);
        return;
      case "connect":
        if (reader.link?.isOpen !== true) connect(house, reader, step.from);
        return;
      case "cut":
        reader.link?.cut();
        return;
      case "stall":
        reader.hasStalled = true;
        reader.link?.stall();
        return;
      case "read":
        if (reader.link?.isOpen) reader.link.read(Math.floor(reader.link.connection.buffered() * step.left));
        return;
      case "sub":
        if (kind.kind === "feed") sub(reader, step);
        return;
      case "unsub":
        if (kind.kind === "feed") unsub(reader, step);
        return;
      case "age":
        house.clock.advance(70_000);
        return;
      case "restart":
        await house.restart();
        return;
    }
  };
}

function connect(house: OracleHouse, reader: Reader, from: Step["from"]): void {
  const { own, follower } = reader;
  const place = follower?.places.get(own);
  const since = from === "since" ? place : undefined;
  const query =
    since !== undefined ? `since=${since.epoch}:${since.offset}` : from === "last" ? "last=5" : "";
  follower?.connecting(since && { epoch: since.epoch, offset: since.offset });
  reader.subscribed.clear();
  reader.subscribed.add(own);
  reader.lastId = 0;
  reader.hasStalled = false;
  reader.plain.length = 0;
  reader.joinedAt = house.log.of(own).length;
  reader.link = house.connect(own, follower === undefined ? undefined : query, {
    heard(frame) {
      if (follower === undefined) reader.plain.push(String(frame));
      else follower.heard(String(frame));
    },
    closed: () => {},
  });
}

/** Subscribes to what it is not subscribed to yet; a pattern asks with the positions of all topics that it has read. */
function sub(reader: Reader, { topic, isPattern, from }: Step): void {
  const { follower, link, subscribed } = reader;
  const name = isPattern ? PATTERN : topic;
  if (follower === undefined || link?.isOpen !== true || subscribed.has(name)) return;
  const known = [...follower.places]
    .filter(([each]) => isPattern || each === topic)
    .map(([each, { epoch, offset }]) => [each, { epoch, offset }] as const);
  const since = from === "since" && known.length > 0 ? new Map(known) : undefined;
  subscribed.add(name);
  reader.lastId += 1;
  follower.asked(reader.lastId, { t: "sub", name, since });
  const sent = isPattern ? since && Object.fromEntries(since) : since?.get(topic);
  const last = from === "last" ? 5 : undefined;
  link.say(JSON.stringify({ t: "sub", id: reader.lastId, topic: name, since: sent, last }));
}

function unsub(reader: Reader, { topic, isPattern }: Step): void {
  const { follower, link, subscribed } = reader;
  const name = isPattern ? PATTERN : topic;
  if (follower === undefined || link?.isOpen !== true || !subscribed.delete(name)) return;
  reader.lastId += 1;
  follower.asked(reader.lastId, { t: "unsub", name });
  link.say(JSON.stringify({ t: "unsub", id: reader.lastId, topic: name }));
}

function check(house: OracleHouse, readers: readonly Reader[]): void {
  for (const { follower } of readers) follower?.believe();
  expect(house.unaccounted()).toBe(0);
  for (const { link } of readers)
    expect(link?.connection.buffered() ?? 0).toBeLessThanOrEqual(MARK * 2 + 16_384);
  for (const reader of readers) if (reader.follower === undefined) checkPlain(house, reader);
}

/** In order and once each; and all of it, unless it was slow. */
function checkPlain({ log }: OracleHouse, { own, plain, hasStalled, joinedAt, link }: Reader): void {
  const indexes = plain.map((text) => log.byText(text)?.index ?? Number.NaN);
  for (const [i, index] of indexes.entries()) expect(index).toBeGreaterThan(indexes[i - 1] ?? -1);
  if (hasStalled || link?.isOpen !== true) return;
  expect(plain).toEqual(
    log
      .of(own)
      .slice(joinedAt)
      .map(({ text }) => text),
  );
}

/** Everybody reads again, and is at the head a message later. */
async function finish(house: OracleHouse, readers: readonly Reader[], publish: Publish): Promise<void> {
  await house.settle();
  check(house, readers);
  for (const reader of readers) {
    if (reader.link?.isOpen !== true) connect(house, reader, "since");
  }
  await readAll(house, readers);
  for (const topic of TOPICS) publish(topic, 10, undefined);
  await readAll(house, readers);
  check(house, readers);
  expect(house.life().route.stats()).toMatchObject({ lagging: 0, queued: 0, held: 0 });
  for (const { follower, subscribed } of readers) {
    for (const topic of subscribed.has(PATTERN) ? TOPICS : [...subscribed]) {
      if (follower === undefined) continue;
      const head = house.log.of(topic).at(-1);
      expect([topic, follower.places.get(topic)]).toMatchObject([
        topic,
        { epoch: head?.epoch, offset: head?.offset },
      ]);
    }
  }
}

async function readAll(house: OracleHouse, readers: readonly Reader[]): Promise<void> {
  for (let i = 0; i < 20; i += 1) {
    for (const { link } of readers) link?.read();
    await house.settle();
  }
}
