/**
 * Connections are killed at random, by a reset, in silence, or with their server, while messages are on their way: who reads through the
 * client library gets each message once and in order, and what is published through it happens once, or is said to be unknown.
 */
import { expect, test } from "bun:test";
import { FairleadClientError, type Published, type Session } from "../../src/client/index.ts";
import { type Kill, killsHouse, randomKills, TOPIC } from "./kills-house.ts";
import { within } from "./program.ts";

const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

/** Reads numbers until a last one has come. */
function readNumbers(session: Session) {
  const got: number[] = [];
  const waiting = new Set<() => void>();
  const other: object[] = [];
  const subscription = session.subscribe(TOPIC);
  void subscription.listen((item) => {
    if (item.type === "message") got.push(Number(item.data));
    else other.push(item);
    for (const look of waiting) look();
  });
  const has = (last: number, seconds: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (got.at(-1) === last) resolve();
    };
    waiting.add(look);
    look();
    return within(seconds, promise, () => `${last} did not come; the last was ${got.at(-1)}`);
  };
  return { got, other, has, ready: subscription.ready };
}

test("a reader gets 10,000 messages once and in order, over 50 kills", async () => {
  const [KILLS, ROUND] = [50, 200];
  const house = await killsHouse();
  const [readersWay, writersWay] = [await house.way(), await house.way()];
  const writer = house.session(writersWay);
  const reader = readNumbers(house.session(readersWay));
  await reader.ready;
  let underWay = 0;
  const counts: Partial<Record<Kill, number>> = {};

  for (const [round, how] of randomKills(KILLS).entries()) {
    const first = round * ROUND;
    readersWay.hold();
    const published = range(first, ROUND).map((n) => writer.publish(TOPIC, n));
    const atOnce = Math.random() < 0.2;
    if (!atOnce) await within(20, Promise.all(published), () => "a publish was not answered");
    readersWay.letThrough(Math.floor(Math.random() * 12_000));
    const missing = first + ROUND - reader.got.length;
    if (!atOnce && missing >= 100) underWay += 1;
    counts[how] = (counts[how] ?? 0) + 1;
    await house.kill(how, readersWay);
    readersWay.flow();
    await within(20, Promise.all(published), () => "a publish was not answered");
    await reader.has(first + ROUND - 1, 20);
  }

  console.log(`kills: ${JSON.stringify(counts)}, ${underWay} of them with 100 or more messages on their way`);
  expect(reader.other).toEqual([]);
  expect(reader.got).toEqual(range(0, KILLS * ROUND));
  expect(underWay).toBeGreaterThanOrEqual(30);
  expect((await house.log()).map(({ data }) => data)).toEqual(reader.got);
}, 120_000);

test("what is published happens once, or is said to be unknown, over 15 kills", async () => {
  const [KILLS, ROUND] = [15, 100];
  const house = await killsHouse();
  const way = await house.way();
  const writer = house.session(way);
  const outcomes: (Published | "unknown")[] = [];
  const publish = async (n: number) => {
    outcomes[n] = await writer.publish(TOPIC, n).catch((error: unknown) => {
      if (error instanceof FairleadClientError && error.code === "unknown") return "unknown";
      throw error;
    });
  };

  for (const [round, how] of randomKills(KILLS).entries()) {
    // Either the publishes are cut off on their way, or their answers are.
    const isHeld = Math.random() < 0.5;
    if (isHeld) way.hold();
    const published = Promise.all(range(round * ROUND, ROUND).map(publish));
    await new Promise<void>((done) => setImmediate(done));
    way.letThrough(Math.floor(Math.random() * 6_000));
    if (!isHeld) way.hold();
    await new Promise<void>((done) => setImmediate(done));
    await house.kill(how, way);
    way.flow();
    await within(20, published, () => "a publish was not settled");
  }

  const places = new Map<unknown, number[]>();
  for (const { data, offset } of await house.log()) places.set(data, [...(places.get(data) ?? []), offset]);
  const unknown = outcomes.filter((outcome) => outcome === "unknown").length;
  console.log(`kills: ${outcomes.length} publishes, ${unknown} of them unknown`);
  expect(outcomes.length).toBe(KILLS * ROUND);
  for (const [n, outcome] of outcomes.entries()) {
    const found = places.get(n) ?? [];
    if (outcome === "unknown") expect(found.length).toBeLessThanOrEqual(1);
    else expect(outcome).toMatchObject({ offset: found[0] ?? "nowhere" });
    expect(found.length).toBeLessThanOrEqual(1);
  }
}, 120_000);
