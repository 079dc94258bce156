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
