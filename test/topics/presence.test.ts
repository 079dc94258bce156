import { describe, expect, test } from "bun:test";
import { presenceHouse, type Told } from "./presence-house.ts";

const count = (total: number): Told => ({ t: "count", topic: "t", total });
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => String(from + i).padStart(6, "0"));

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

describe("above `max` members", () => {
  test("one count stands for all joins and leaves, at once and then at most once a second", () => {
    const house = presenceHouse({ max: 2 });
    const { take } = house.watch();
    for (const conn of ["a", "b", "c", "d"]) house.enter(conn);
    house.leave("d");
    expect(take().map(({ t, total }) => [t, total])).toEqual([
      ["join", 1],
      ["join", 2],
      ["count", 3],
    ]);
    house.enter("e");
    house.clock.advance(999);
    expect(take()).toEqual([]);
    house.clock.advance(1);
    expect(take()).toEqual([count(4)]);
  });

  test("nothing is told while nothing changes, and no timer runs", () => {
    const house = presenceHouse({ max: 1 });
    const idle = house.clock.pending;
    const { take } = house.watch();
    for (const conn of ["a", "b"]) house.enter(conn);
    take();
    house.clock.advance(1_000);
    expect([take(), house.clock.pending]).toEqual([[], idle]);
    house.enter("c");
    expect(take()).toEqual([count(3)]);
  });

  test("joins and leaves begin again at `max`, and a last count says that some were left out", () => {
    const house = presenceHouse({ max: 2 });
    const { take } = house.watch();
    for (const conn of ["a", "b", "c", "d"]) house.enter(conn);
    take();
    for (const conn of ["a", "b", "c"]) house.leave(conn);
    expect(take()).toMatchObject([
      { t: "leave", conn: "b", total: 2 },
      { t: "leave", conn: "c", total: 1 },
    ]);
    house.clock.advance(1_000);
    expect(take()).toEqual([count(1)]);
    house.clock.advance(10_000);
    expect(take()).toEqual([]);
  });

  test("no last count comes if each change was told", () => {
    const house = presenceHouse({ max: 1 });
    const { take } = house.watch();
    for (const conn of ["a", "b"]) house.enter(conn);
    house.leave("a");
    house.clock.advance(10_000);
    expect(take().map(({ t, total }) => [t, total])).toEqual([
      ["join", 1],
      ["count", 2],
      ["leave", 1],
    ]);
  });

  test("each join and leave is told if `max` is 0", () => {
    const { watch, enter } = presenceHouse({ max: 0 });
    const { take } = watch();
    for (const conn of range(1, 1_000)) enter(conn);
    expect(take().filter(({ t }) => t === "join").length).toBe(1_000);
  });

  test("ten thousand arrivals cost the runtime one event each at most", () => {
    const house = presenceHouse();
    const { take } = house.watch();
    for (const conn of range(1, 10_000)) house.enter(conn);
    expect(house.channels.publishes).toBe(501);
    house.clock.advance(1_000);
    expect(take().slice(-2)).toEqual([count(501), count(10_000)]);
    for (const conn of range(1, 10_000)) house.leave(conn);
    house.clock.advance(1_000);
    expect(take().at(-1)).toEqual(count(0));
    expect(house.channels.publishes).toBe(501 + 1 + 501 + 1);
  });
});

describe("who", () => {
  test("answers in pages: each member once, how many there are, and whether more follow", async () => {
    const { presence, enter } = presenceHouse();
    const all = range(1, 25);
    for (const conn of all) enter(conn);
    const found: string[] = [];
    for (let after: string | undefined; ; after = found.at(-1)) {
      const page = await presence.who("t", { after, limit: 10 });
      found.push(...page.members.map(({ conn }) => conn));
      expect(page.total).toBe(25);
      expect(page.complete).toBe(found.length === 25);
      if (page.complete) break;
    }
    expect(found).toEqual(all);
  });

  test("tells user, time of joining and info of each, of this route only", async () => {
    const { presence, createRoute, clock } = presenceHouse();
    presence.enter("t", { conn: "a", user: "alice", info: { x: 1 } });
    const since = clock.wall();
    clock.advance(5_000);
    createRoute("/other", 0).enter("t", { conn: "b", user: null, info: null });
    expect(await presence.who("t", { limit: 10 })).toEqual({
      members: [{ conn: "a", user: "alice", since, info: { x: 1 } }],
      total: 1,
      complete: true,
    });
  });

  test("rejects with the engine's error if the engine is down", async () => {
    const { presence, engine, enter } = presenceHouse();
    await engine.close();
    enter("a");
    await expect(presence.who("t", { limit: 10 })).rejects.toMatchObject({ code: "ENGINE_DOWN" });
  });
});

describe("once disposed of", () => {
  test("it tells nobody anything, and leaves no timer", () => {
    const house = presenceHouse({ max: 1 });
    const idle = house.clock.pending;
    const watcher = house.watch();
    for (const conn of ["a", "b", "c"]) house.enter(conn);
    watcher.take();
    house.presence.dispose();
    house.clock.advance(10_000);
    house.enter("d");
    watcher.watch.close();
    expect([watcher.take(), house.clock.pending]).toEqual([[], idle]);
  });

  test("a watch that is closed twice ends only itself", () => {
    const house = presenceHouse();
    const [first, second] = [house.watch(), house.watch()];
    for (let i = 0; i < 2; i += 1) first.watch.close();
    house.enter("a");
    expect(second.take().length).toBe(1);
  });
});
