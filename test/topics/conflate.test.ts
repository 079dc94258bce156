import { describe, expect, test } from "bun:test";
import { conflateHouse } from "./conflate-house.ts";

describe("a topic with maxRate", () => {
  test("publishes the first message at once, and the next ones evenly spaced", () => {
    const house = conflateHouse({ maxRate: 4 });
    for (const key of ["a", "b", "c", "d"]) house.publish(key, { key });
    expect(house.published).toEqual(["a"]);
    house.clock.advance(249);
    expect(house.published).toEqual(["a"]);
    house.clock.advance(1);
    expect(house.published).toEqual(["a", "b"]);
    house.clock.advance(500);
    expect(house.times).toEqual([0, 250, 500, 750]);
    expect(house.published).toEqual(["a", "b", "c", "d"]);
  });

  test("publishes of what waits the newest of each key, in the order in which the keys began to wait", () => {
    const house = conflateHouse({ maxRate: 10 });
    house.publish("first");
    for (const [data, key] of [
      ["a1", "a"],
      ["b1", "b"],
      ["a2", "a"],
      ["c1", "c"],
      ["b2", "b"],
      ["a3", "a"],
    ] as const)
      house.publish(data, { key });
    house.clock.advance(1_000);
    expect(house.published).toEqual(["first", "a3", "b2", "c1"]);
  });

  test("takes messages without a key as values of one", () => {
    const house = conflateHouse({ maxRate: 10 });
    for (const data of ["1", "2", "3"]) house.publish(data);
    house.publish("undefined", { key: "undefined" });
    house.clock.advance(1_000);
    expect(house.published).toEqual(["1", "3", "undefined"]);
  });

  test("hands the engine the message as it came", () => {
    const house = conflateHouse({ maxRate: 10 });
    const message = { data: "1", json: true, key: "k", size: 1, conn: "c", user: "u" };
    house.conflater.publish("t", message);
    house.conflater.publish("t", message);
    house.clock.advance(100);
    expect(house.handed).toEqual([message, message]);
  });

  test("has nothing to do with another topic", () => {
    const house = conflateHouse({ maxRate: 1 });
    for (const topic of ["t", "u"]) for (const data of ["1", "2"]) house.publish(topic + data, { topic });
    expect(house.published).toEqual(["t1", "u1"]);
    house.clock.advance(1_000);
    expect(house.published).toEqual(["t1", "u1", "t2", "u2"]);
  });

  test("is forgotten, timer and all, once nothing waits and its interval is over", () => {
    const house = conflateHouse({ maxRate: 10 });
    expect(house.clock.pending).toBe(0);
    house.publish("1");
    house.publish("2");
    house.clock.advance(100);
    expect(house.clock.pending).toBe(1);
    house.clock.advance(100);
    expect(house.clock.pending).toBe(0);
    house.clock.advance(1);
    house.publish("3");
    expect(house.times).toEqual([0, 100, 201]);
  });

  test("keeps its distance if the runtime's timer runs early", () => {
    const house = conflateHouse({ maxRate: 10, early: 3 });
    house.publish("1");
    house.publish("2");
    house.clock.advance(97);
    expect(house.published).toEqual(["1"]);
    house.clock.advance(3);
    expect(house.published).toEqual(["1", "2"]);
  });
});

test("a rate of one message in months does not ask for a timer that runtimes run at once", () => {
  const house = conflateHouse({ maxRate: 1e-7 });
  for (const key of ["a", "b"]) house.publish(key, { key });
  house.clock.advance(2 ** 31 - 2);
  expect(house.delays).toEqual([2 ** 31 - 1]);
  house.clock.advance(10_000_000_000 - 2 ** 31 + 1);
  expect(house.published).toEqual(["a"]);
  house.clock.advance(1);
  expect(house.published).toEqual(["a", "b"]);
});

describe("the answer to a publish", () => {
  test("is the engine's, its error as well, and comes when the message had its turn", () => {
    const house = conflateHouse({ maxRate: 10 });
    const down = { code: "engine_down", text: "no disk" } as const;
    const [first, second] = [house.publish("1"), house.publish("2")];
    expect([first, second]).toEqual([[{ epoch: "e", offset: 1 }], []]);
    house.fail(down);
    house.clock.advance(100);
    expect(second).toEqual([down]);
  });

  test("is `superseded` as soon as a newer value took the place, and the books have it on both sides", () => {
    const house = conflateHouse({ maxRate: 10 });
    house.publish("1");
    const [second, third] = [house.publish("2"), house.publish("3")];
    expect([second, third]).toEqual([[{ superseded: true }], []]);
    expect([house.counters.due, house.counters.dropped.conflated]).toEqual([1, 1]);
    house.clock.advance(100);
    expect(third).toEqual([{ epoch: "e", offset: 2 }]);
    expect([house.counters.due, house.counters.dropped.conflated]).toEqual([1, 1]);
  });

  test("may publish again, which then waits its turn", () => {
    const house = conflateHouse({ maxRate: 10 });
    const again = () => house.publish("again", { key: "again" });
    house.conflater.publish("t", { data: "1", json: false }, again);
    expect(house.published).toEqual(["1"]);
    house.conflater.publish("t", { data: "2", json: false }, again);
    house.publish("3");
    house.clock.advance(1_000);
    expect(house.published).toEqual(["1", "again", "3"]);
  });

  test("is not needed", () => {
    const house = conflateHouse({ maxRate: 10 });
    for (const data of ["1", "2", "3"]) house.conflater.publish("t", { data, json: false });
    house.clock.advance(100);
    expect(house.published).toEqual(["1", "3"]);
  });
});

describe("what waits in one topic", () => {
  test("is at most 10,000 keys: past them the one that waits longest is superseded", () => {
    const house = conflateHouse({ maxRate: 1 });
    house.publish("first");
    const answers = Array.from({ length: 10_001 }, (_, i) => house.publish(`${i}`, { key: `${i}` }));
    expect(answers[0]).toEqual([{ superseded: true }]);
    expect(answers.slice(1).every(({ length }) => length === 0)).toBe(true);
    house.publish("1, newer", { key: "1" });
    house.clock.advance(1_000);
    expect(house.published).toEqual(["first", "1, newer"]);
    expect(answers.filter(({ length }) => length > 0).length).toBe(2);
  });

  test("is at most 4 MiB: past them the ones that wait longest are superseded, however few", () => {
    const house = conflateHouse({ maxRate: 1 });
    house.publish("first");
    const large = (key: string, MiB: number) => house.publish(new Uint8Array(MiB * 1024 * 1024), { key });
    const [a, b, c] = [large("a", 1), large("b", 1), large("c", 2)];
    expect([a, b, c]).toEqual([[], [], []]);
    // A smaller value of the same key makes room again.
    const smaller = large("c", 1);
    const d = large("d", 1);
    expect([a, b, c, smaller, d]).toEqual([[], [], [{ superseded: true }], [], []]);
    const huge = large("a", 5);
    expect([b, smaller, d]).toEqual(Array(3).fill([{ superseded: true }]));
    expect([a, huge]).toEqual([[{ superseded: true }], []]);
    house.clock.advance(1_000);
    expect(huge).toEqual([{ epoch: "e", offset: 2 }]);
  });

  test("is counted in bytes, also when the publisher has counted them", () => {
    const house = conflateHouse({ maxRate: 1 });
    house.publish("first");
    const counted = house.publish("c", { key: "c", size: 4 * 1024 * 1024 });
    const text = house.publish("é", { key: "é" });
    expect([counted, text]).toEqual([[{ superseded: true }], []]);
  });
});

describe("stopping", () => {
  test("publishes what waits at once, leaves no timer, and answers everybody", () => {
    const house = conflateHouse({ maxRate: 1 });
    const answers = ["a", "b", "c"].map((key) => house.publish(key, { key }));
    house.publish("u1", { topic: "u" });
    house.publish("u2", { topic: "u" });
    house.conflater.stop();
    expect(house.published).toEqual(["a", "u1", "b", "c", "u2"]);
    expect(answers).toEqual([1, 2, 3].map((offset) => [{ epoch: "e", offset }]));
    expect(house.clock.pending).toBe(0);
  });

  test("holds nothing back any more, and does nothing the second time", () => {
    const house = conflateHouse({ maxRate: 1 });
    house.publish("1");
    house.conflater.stop();
    house.publish("2");
    house.publish("3");
    expect(house.published).toEqual(["1", "2", "3"]);
    expect(house.clock.pending).toBe(0);
    house.conflater.stop();
    expect(house.published).toEqual(["1", "2", "3"]);
  });
});
