/** What the sqlite engine brings over a restart, a crash and a power cut. */
import { describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, statSync } from "node:fs";
import { IDEM_TTL_MS } from "../../src/engine.ts";
import { held, LIMITS, rewriteMeta, said, say, sqliteHouse } from "./sqlite-house.ts";

describe("after a restart", () => {
  test("goes on with offsets, epoch and history, whatever a message carries", async () => {
    const { start } = sqliteHouse();
    const first = await start();
    const room = first.topics("/r", LIMITS);
    const messages = [
      { data: "text", json: false },
      { data: '{"a":1}', json: true, key: "k", conn: "c-1", user: "alice" },
      { data: new Uint8Array([0, 1, 255]), json: false },
      { data: new Uint8Array(0), json: false },
      { data: "", json: false },
      { data: "nul \0 and 🎉", json: false, user: "" },
    ];
    for (const message of messages) room.publish("t", message);
    const { epoch } = await said(room, "t", "last");
    const before = await room.history("t", { limit: 100 });
    await first.close();
    const again = (await start()).topics("/r", LIMITS);
    expect(await again.history("t", { limit: 100 })).toEqual(before);
    expect(before.messages.slice(0, -1)).toMatchObject(messages);
    expect(await said(again, "t", "next")).toEqual({ epoch, offset: 8 });
  });

  test("keeps the epoch that a topic without messages was promised", async () => {
    const { start } = sqliteHouse();
    const first = await start();
    const { epoch } = await first.topics("/r", LIMITS).history("t", { limit: 0 });
    await first.close();
    expect(await said((await start()).topics("/r", LIMITS), "t", "a")).toEqual({ epoch, offset: 1 });
  });

  test("keeps routes apart, and bounds history by what the config says now", async () => {
    const { start } = sqliteHouse();
    const first = await start();
    const routes = ["/a", "/b"].map((path) => first.topics(path, LIMITS));
    for (const [n, route] of routes.entries())
      for (const x of ["1", "2", "3"]) await said(route, "t", `${n} ${x}`);
    await first.close();
    const again = await start();
    expect(await held(again.topics("/a", { ...LIMITS, size: 2 }), "t")).toEqual(["0 2", "0 3"]);
    expect(await held(again.topics("/b", { ...LIMITS, bytes: 3 }), "t")).toEqual(["1 3"]);
    expect((await again.topics("/c", LIMITS).history("t", { limit: 9 })).offset).toBe(0);
  });

  test("counts what the file holds to history.total", async () => {
    const { start } = sqliteHouse();
    const limits = { ...LIMITS, total: 4_000 };
    const first = await start();
    for (const topic of ["a", "b", "c", "d"]) await said(first.topics("/r", limits), topic, "x");
    await first.close();
    const second = (await start()).topics("/r", limits);
    await said(second, "e", "x");
    await said(second, "a", "y");
    expect([await held(second, "a"), await held(second, "d"), await held(second, "e")]).toEqual([
      ["y"],
      [],
      [],
    ]);
  });

  test("counts the time that it was down to the age of messages", async () => {
    const { start, clock } = sqliteHouse();
    const first = await start();
    await said(first.topics("/r", LIMITS), "t", "old");
    await first.close();
    clock.advance(LIMITS.ttl - 1);
    const second = await start();
    expect(await held(second.topics("/r", LIMITS), "t")).toEqual(["old"]);
    await second.close();
    clock.advance(1);
    expect(await held((await start()).topics("/r", LIMITS), "t")).toEqual([]);
  });

  test("evicts nobody, and does not run backwards, if the wall clock was set back meanwhile", async () => {
    const house = sqliteHouse();
    const first = await house.start();
    await said(first.topics("/r", LIMITS), "t", "a");
    await first.close();
    const { clock } = house;
    const back = { ...clock, now: clock.now, wall: () => clock.wall() - 7_200_000 };
    const again = await sqliteHouse(house.file, {
      ...back,
      get pending() {
        return 0;
      },
    }).start();
    const room = again.topics("/r", LIMITS);
    await said(room, "t", "b");
    clock.advance(LIMITS.ttl - 1);
    expect(await held(room, "t")).toEqual(["a", "b"]);
    clock.advance(1);
    expect(await held(room, "t")).toEqual([]);
  });

  test("knows which idems were published, for as long again, and that none is missing", async () => {
    const { start, clock } = sqliteHouse();
    const first = await start();
    const at = await said(first.topics("/r", LIMITS), "t", "a", { id: "1" });
    await first.close();
    clock.advance(IDEM_TTL_MS - 10_000);
    const room = (await start()).topics("/r", LIMITS);
    expect(await said(room, "t", "a", { id: "1", age: IDEM_TTL_MS })).toEqual(at);
    expect(await said(room, "t", "b", { id: "2", age: 60_000 })).toEqual({ ...at, offset: 2 });
    clock.advance(10_000);
    expect(await said(room, "t", "a", { id: "1" })).toEqual(at);
  });

  test("knows an idem again that no file can hold as it is", async () => {
    const { start } = sqliteHouse();
    const first = await start();
    const half = { id: "\ud800" };
    const at = await said(first.topics("/r", LIMITS), "t", "a", half);
    await first.close();
    expect(await said((await start()).topics("/r", LIMITS), "t", "a", half)).toEqual(at);
  });

  test("calls an idem gone, if the route is new in the file", async () => {
    const { start } = sqliteHouse();
    const room = (await start()).topics("/new", LIMITS);
    expect(await say(room, "t", "a", { id: "1", age: 5 })).toMatchObject({ code: "gone" });
  });

  test("makes the folder and a file that is nobody else's", async () => {
    const { file, start } = sqliteHouse();
    const engine = await start();
    await said(engine.topics("/r", LIMITS), "t", "a");
    const sides = [file, `${file}-wal`].filter((path) => existsSync(path));
    expect(sides.map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
    await engine.close();
    expect(existsSync(`${file}-wal`)).toBe(false);
  });
});

describe("a file that was not closed", () => {
  /** The file of an engine that published a, b and c, as a crash leaves it. */
  async function crashed(meta: Readonly<Record<string, string>>, sync: "batch" | "always" = "batch") {
    const before = sqliteHouse();
    const engine = await before.start(sync);
    const room = engine.topics("/r", { ...LIMITS, size: 2 });
    const heads = [];
    for (const [n, data] of ["a", "b", "c"].entries())
      heads.push(await said(room, "t", data, { id: String(n) }));
    const after = sqliteHouse();
    for (const side of ["", "-wal"]) copyFileSync(before.file + side, after.file + side);
    rewriteMeta(after.file, meta);
    return { ...after, head: heads[2] ?? { epoch: "", offset: 0 } };
  }
  const elsewhere = { boot: "another", closed: "no" };

  test("goes on, if the machine still runs: nothing was lost", async () => {
    const { start, head, log } = await crashed({});
    expect(await said((await start()).topics("/r", LIMITS), "t", "d")).toEqual({ ...head, offset: 4 });
    expect(log.lines).toEqual([]);
  });

  test("begins new epochs, if the machine was started again: what is held counts from 1", async () => {
    const { start, head, log } = await crashed(elsewhere);
    const room = (await start()).topics("/r", LIMITS);
    const page = await room.history("t", { since: head, limit: 9 });
    expect(page).toMatchObject({ offset: 2, messages: [], complete: false });
    expect(page.epoch).not.toBe(head.epoch);
    const all = await room.history("t", { since: { epoch: page.epoch, offset: 0 }, limit: 9 });
    expect(all.messages.map(({ offset, data }) => [offset, data])).toEqual([
      [1, "b"],
      [2, "c"],
    ]);
    expect(all.complete).toBe(true);
    expect(await said(room, "t", "d")).toEqual({ epoch: page.epoch, offset: 3 });
    expect(await room.find("t", 9)).toEqual([{ topic: "t", epoch: page.epoch, offset: 3 }]);
    expect(log.lines).toMatchObject([{ level: "warn", text: "power cut: topics begin new epochs" }]);
  });

  test("calls idems gone then, unless they are there", async () => {
    const { start, clock, head } = await crashed(elsewhere);
    clock.advance(60_000);
    const room = (await start()).topics("/r", LIMITS);
    expect(await said(room, "t", "c", { id: "2", age: 60_000 })).toEqual(head);
    expect(await say(room, "t", "d", { id: "3", age: 60_000 })).toMatchObject({ code: "gone" });
  });

  test("goes on after a power cut, if each commit had waited for the disk", async () => {
    const { start, head } = await crashed({ boot: "another" }, "always");
    expect(await said((await start()).topics("/r", LIMITS), "t", "d")).toEqual({ ...head, offset: 4 });
  });

  test("begins new epochs only once, and a file that was closed none on another machine", async () => {
    const { start, file } = await crashed(elsewhere);
    const second = await start();
    const head = await said(second.topics("/r", LIMITS), "t", "d");
    await second.close();
    rewriteMeta(file, { boot: "a third" });
    expect(await said((await start()).topics("/r", LIMITS), "t", "e")).toEqual({ ...head, offset: 4 });
  });
});
