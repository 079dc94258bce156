/**
 * Connections are killed at random, by a reset, in silence, or with their server, while messages are on their way: who reads through the
 * client library gets each message once and in order, and what is published through it happens once.
 */
import { expect, test } from "bun:test";
import type { Published } from "../../src/client/index.ts";
import { type Kill, killsHouse, randomKills, TOPIC } from "./kills-house.ts";
import { within } from "./program.ts";
import { range, readNumbers } from "./read-numbers.ts";

test("a reader gets 10,000 messages once and in order, over 50 kills", async () => {
  const [KILLS, ROUND] = [50, 200];
  const house = await killsHouse();
  const [readersWay, writersWay] = [await house.way(), await house.way()];
  const writer = house.session(writersWay);
  const reader = readNumbers(house.session(readersWay), TOPIC);
  await reader.ready;
  let underWay = 0;
  const counts: Partial<Record<Kill, number>> = {};

  for (const [round, how] of randomKills(KILLS).entries()) {
    const first = round * ROUND;
    readersWay.hold();
    const published = range(first, ROUND).map((n) => writer.publish(TOPIC, n));
    const atOnce = round % 8 === 7;
    if (!atOnce) await within(20, Promise.all(published), () => "a publish was not answered");
    readersWay.letThrough(Math.floor(Math.random() * 8_000));
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

test("what is published happens once, where its answer says, over 15 kills", async () => {
  const [KILLS, ROUND] = [15, 100];
  const house = await killsHouse();
  const way = await house.way();
  const writer = house.session(way);
  // In its first second a new file cannot tell what it has forgotten from what it never knew, and answers `unknown`.
  await house.kill("kill -9", way);
  const answers: Published[] = [];
  const publish = async (n: number) => {
    answers[n] = await writer.publish(TOPIC, n);
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
    await within(20, published, () => "a publish was not answered");
  }

  const log = (await house.log()).map(({ data, epoch, offset }) => ({ n: Number(data), epoch, offset }));
  const answered = answers.map((answer, n) => ({ n, answer })).sort(byOffset);
  expect(log.map(({ n }) => n)).toEqual(answered.map(({ n }) => n));
  expect(answered).toMatchObject(log.map(({ n, epoch, offset }) => ({ n, answer: { epoch, offset } })));
  expect(log.length).toBe(KILLS * ROUND);
}, 120_000);

function byOffset(a: { readonly answer: Published }, b: { readonly answer: Published }): number {
  return offsetOf(a.answer) - offsetOf(b.answer);
}

const offsetOf = (answer: Published) => (answer.superseded ? 0 : answer.offset);
