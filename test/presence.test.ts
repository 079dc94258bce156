import { describe, expect, test } from "bun:test";
import { presenceHouse, type Told } from "./presence-house.ts";

const count = (total: number): Told => ({ t: "count", topic: "t", total });
describe("a watcher", () => {
  test("is told of each join and leave from now on, with how many are there", () => {
    const { watch, enter, leave } = presenceHouse();
    enter("a");
    const { take } = watch();
    enter("b");
    leave("a");
    expect(take()).toEqual([
      { t: "join", topic: "t", conn: "b", user: "user of b", total: 2 },
      { t: "leave", topic: "t", conn: "a", user: "user of a", total: 1 },
    ]);
  });

  test("is told nothing of another topic, nor of another route's topic of that name", () => {
    const house = presenceHouse();
    const { take } = house.watch("t");
    house.enter("a", "u");
    house.createRoute("/other", 0).enter("t", { conn: "b", user: null, info: null });
    expect(take()).toEqual([]);
  });

  test("is told `null` where nobody knows who it is", () => {
    const { watch, presence } = presenceHouse();
    const { take } = watch();
    presence.enter("t", { conn: "a", user: null, info: { x: 1 } });
    expect(take()).toEqual([{ t: "join", topic: "t", conn: "a", user: null, total: 1 }]);
  });

  test("is told of a change once, if somebody enters twice or leaves without having come", () => {
    const { watch, enter, leave } = presenceHouse();
    const { take } = watch();
    for (const conn of ["a", "a"]) enter(conn);
    for (const conn of ["a", "a", "b"]) leave(conn);
    expect(take().map(({ t, total }) => [t, total])).toEqual([
      ["join", 1],
      ["leave", 0],
    ]);
  });

  test("is told nothing once it is closed, and the engine is watched only while somebody watches", () => {
    const house = presenceHouse();
    const [a, b] = [house.watch(), house.watch()];
    house.enter("x");
    for (const { watch } of [a, a, b]) watch.close();
    expect([a.take().length, b.take().length]).toEqual([1, 1]);
    const before = house.channels.publishes;
    house.enter("y");
    expect(house.channels.publishes).toBe(before);
    const c = house.watch();
    house.enter("z");
    expect([a.take(), b.take(), c.take().length]).toEqual([[], [], 1]);
  });

  test("costs no encoding of its own: one event for all", () => {
    const house = presenceHouse();
    for (let i = 0; i < 10; i += 1) house.watch();
    house.enter("a");
    expect(house.channels.publishes).toBe(1);
  });
});

describe("a watcher that lags", () => {
  test("is told nothing while it is paused, and how many are there when it has caught up", () => {
    const { watch, enter, leave } = presenceHouse();
    const slow = watch();
    slow.watch.pause();
    slow.watch.pause();
    for (const conn of ["a", "b", "c"]) enter(conn);
    leave("b");
    expect(slow.take()).toEqual([]);
    slow.watch.resume();
    slow.watch.resume();
    enter("d");
    expect(slow.take()).toEqual([
      count(2),
      { t: "join", topic: "t", conn: "d", user: "user of d", total: 3 },
    ]);
  });

  test("is told nothing extra if it missed nothing", () => {
    const { watch, enter } = presenceHouse();
    const slow = watch();
    enter("a");
    slow.take();
    slow.watch.pause();
    slow.watch.resume();
    expect(slow.take()).toEqual([]);
  });

  test("stays silent if it is resumed without having been paused, or after it was closed", () => {
    const { watch, enter, channels } = presenceHouse();
    const [slow, other] = [watch(), watch()];
    slow.watch.resume();
    slow.watch.pause();
    enter("a");
    slow.watch.close();
    slow.watch.resume();
    slow.watch.pause();
    enter("b");
    expect([slow.take(), other.take().length]).toEqual([[], 2]);
    expect(channels.members("/room\0t\0presence")).toBe(1);
  });
});
