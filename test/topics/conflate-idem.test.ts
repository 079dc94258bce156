/** A publish sent twice under maxRate: it happens once, and both are told the same. */
import { expect, test } from "bun:test";
import { createMemoryEngine } from "../../src/engines/memory.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import { createConflater } from "../../src/topics/conflate.ts";
import { testClock } from "../clock.ts";
import { type Answers, conflateHouse } from "./conflate-house.ts";

const id = "i";
const first = { epoch: "e", offset: 1 };
const superseded = { superseded: true } as const;

test("one that is sent again while the first waits gets its answer, and is not published", () => {
  const house = conflateHouse({ maxRate: 10 });
  house.publish("0");
  const [one, again] = [house.publish("1", { idem: { id } }), house.publish("1", { idem: { id, age: 5 } })];
  expect([one, again]).toEqual([[], []]);
  house.clock.advance(200);
  expect(house.published).toEqual(["0", "1"]);
  expect([one, again]).toEqual(Array(2).fill([{ epoch: "e", offset: 2 }]));
});

test("one that is sent again while the engine has the first gets its answer, and is not published", () => {
  const house = conflateHouse({ maxRate: 10 });
  house.hold();
  const [one, again] = [house.publish("1", { idem: { id } }), house.publish("1", { idem: { id, age: 5 } })];
  house.clock.advance(200);
  house.answer();
  expect([one, again]).toEqual([[first], [first]]);
  expect(house.published).toEqual(["1"]);
});

test("one whose first was superseded is answered the same for five minutes, whoever waits", () => {
  const house = conflateHouse({ maxRate: 10 });
  house.publish("0");
  const one = house.publish("1", { idem: { id } });
  const asked = house.publish("1", { idem: { id, age: 1 } });
  house.publish("2");
  expect([one, asked]).toEqual([[superseded], [superseded]]);
  expect(house.counters.dropped.conflated).toBe(1);
  const again = () => house.publish("1", { idem: { id } });
  expect(again()).toEqual([superseded]);
  house.clock.advance(299_999);
  expect(again()).toEqual([superseded]);
  expect(house.published).toEqual(["0", "2"]);
  house.clock.advance(1);
  expect(again()).toEqual([{ epoch: "e", offset: 3 }]);
});

test("the engine is asked about one that it has answered, or refused", () => {
  const house = conflateHouse({ maxRate: 10 });
  const down = { code: "engine_down", text: "no disk" } as const;
  house.fail(down);
  expect(house.publish("1", { idem: { id } })).toEqual([down]);
  house.fail(undefined);
  house.clock.advance(1_000);
  house.publish("1", { idem: { id, age: 1_000 } });
  house.clock.advance(1_000);
  house.publish("1", { idem: { id, age: 2_000 } });
  expect(house.idems).toEqual([{ id }, { id, age: 1_000 }, { id, age: 2_000 }]);
});

test("the engine is told an age with the time that it waited", () => {
  const house = conflateHouse({ maxRate: 1 });
  house.publish("0");
  house.clock.advance(400);
  house.publish("1", { key: "a", idem: { id, age: 50 } });
  house.publish("2", { key: "b", idem: { id: "j" } });
  house.clock.advance(1_600);
  expect(house.idems).toEqual([undefined, { id, age: 650 }, { id: "j" }]);
});

test("one that is sent again takes no other value's place, for it may have been published already", () => {
  const house = conflateHouse({ maxRate: 10 });
  house.publish("0");
  const newest = house.publish("newest", { key: "k" });
  house.publish("old", { key: "k", idem: { id, age: 5_000 } });
  expect(newest).toEqual([]);
  house.clock.advance(1_000);
  expect(house.published).toEqual(["0", "newest", "old"]);
});

test("an id belongs to its topic and user", () => {
  const house = conflateHouse({ maxRate: 10 });
  const idem = { id };
  for (const topic of ["t", "u"]) house.publish("0", { topic });
  for (const [i, user] of [undefined, "alice", "bob"].entries())
    house.publish("t", { idem, key: `${i}`, ...(user === undefined ? {} : { user }) });
  house.publish("u", { idem, topic: "u" });
  house.clock.advance(1_000);
  expect(house.published.toSorted()).toEqual(["0", "0", "t", "t", "t", "u"]);
});

test("the seventeenth that asks for one answer is refused at once, and the others get it", () => {
  const house = conflateHouse({ maxRate: 10 });
  house.publish("0");
  const all = Array.from({ length: 17 }, () => house.publish("1", { idem: { id } }));
  expect(all.at(-1)).toMatchObject([
    { code: "engine_down", text: expect.stringMatching(/^16 publishes .*: wait for one of them$/) },
  ]);
  house.clock.advance(100);
  expect(all.slice(0, 16)).toEqual(Array(16).fill([{ epoch: "e", offset: 2 }]));
});

test("nobody needs to ask for the answer", () => {
  const house = conflateHouse({ maxRate: 10 });
  const message = { data: "1", json: false };
  house.publish("0");
  for (let i = 0; i < 3; i += 1) house.conflater.publish("t", message, undefined, { id });
  house.clock.advance(1_000);
  house.conflater.stop();
  expect(house.published).toEqual(["0", "1"]);
});

test("the memory engine answers the position of one that was published long ago, and publishes nothing", async () => {
  const clock = testClock();
  const engine = createMemoryEngine({ clock, onError: ({ error }) => expect(error).toBeUndefined() });
  const topics = engine.topics("/feed", { size: 10, ttl: 0, bytes: 0 });
  const counters = createRouteCounters("/feed", "feed");
  const conflater = createConflater({ topics, clock, maxRate: 10, counters });
  const publish = (data: string, age?: number): Answers => {
    const answers: Answers = [];
    conflater.publish("t", { data, json: false }, (result) => answers.push(result), { id: data, age });
    return answers;
  };
  const one = publish("1");
  clock.advance(60_000);
  publish("2");
  const [newest, again] = [publish("3"), publish("1", 60_000)];
  clock.advance(1_000);
  expect([one, again]).toMatchObject([[{ offset: 1 }], [{ offset: 1 }]]);
  expect(newest).toMatchObject([{ offset: 3 }]);
  const { messages } = await topics.history("t", { limit: 10 });
  expect(messages.map(({ data }) => data)).toEqual(["1", "2", "3"]);
  await engine.close();
});
