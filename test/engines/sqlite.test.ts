import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { IDEM_MAX, IDEM_TTL_MS } from "../../src/engine.ts";
import { createIdemLog } from "../../src/engines/sqlite/idem-log.ts";
import { openFile } from "../../src/engines/sqlite/open-file.ts";
import { GONE } from "../../src/topics/idem.ts";
import { engineContract } from "../contracts/engine.ts";
import { LIMITS, said, say, sqliteHouse } from "./sqlite-house.ts";

engineContract("sqlite", (clock) => sqliteHouse(undefined, clock).start(), { runs: 40 });

/** Rows of each table, once the engine has let go of the file. */
function rows(file: string) {
  using db = new Database(file, { readonly: true });
  const count = (table: string) =>
    db.query<{ n: number }, []>(`SELECT count(*) AS n FROM ${table}`).get()?.n ?? 0;
  return { topics: count("topics"), messages: count("messages"), idems: count("idems") };
}

describe("the sqlite engine", () => {
  test("delivers after the turn of the event loop in which it was published, in the order of the calls", async () => {
    const { start } = sqliteHouse();
    const room = (await start()).topics("/r", LIMITS);
    const steps: string[] = [];
    for (const topic of ["t", "u"]) room.subscribe(topic, ({ data }) => steps.push(`deliver ${data}`));
    for (const [topic, data] of [
      ["t", "1"],
      ["u", "2"],
      ["t", "3"],
    ] as const)
      room.publish(topic, { data, json: false }, () => steps.push(`done ${data}`));
    expect(steps).toEqual([]);
    await said(room, "t", "last");
    const each = ["1", "2", "3"].flatMap((data) => [`deliver ${data}`, `done ${data}`]);
    expect(steps).toEqual([...each, "deliver last"]);
  });

  test("commits at once when 512 publishes wait", async () => {
    const { start } = sqliteHouse();
    const room = (await start()).topics("/r", LIMITS);
    let answered = 0;
    for (let n = 0; n < 600; n++) room.publish("t", { data: "x", json: false }, () => answered++);
    expect(answered).toBe(512);
  });

  test("holds a bounded number of topics in memory, and finds the others in the file", async () => {
    const { start, clock } = sqliteHouse();
    const engine = await start();
    const room = engine.topics("/r", LIMITS);
    const began = performance.now();
    for (let n = 0; n < 30_000; n++) room.publish(`t.${n}`, { data: "x", json: false });
    expect(await said(room, "t.0", "again")).toMatchObject({ offset: 2 });
    const published = performance.now();
    expect(engine.held).toBeLessThan(20_500);
    expect((await room.find("t.29999", 9)).length).toBe(1);
    const swept = performance.now();
    clock.advance(10_000);
    expect(performance.now() - swept).toBeLessThan(published - began);
  });

  test("keeps those in memory that somebody listens to", async () => {
    const { start } = sqliteHouse();
    const engine = await start();
    const room = engine.topics("/r", LIMITS);
    for (let n = 0; n < 25_000; n++) room.subscribe(`t.${n}`, () => {});
    for (let n = 0; n < 100; n++) await room.history(`other.${n}`, { limit: 1 });
    expect(engine.held).toBeGreaterThanOrEqual(25_000);
    const got = Promise.withResolvers<unknown>();
    room.subscribe("t.7", ({ data }) => got.resolve(data));
    room.publish("t.7", { data: "here", json: false });
    expect(await got.promise).toBe("here");
  });

  test("forgets what nobody needs, in the file too, and leaves the rest", async () => {
    const { file, start, clock } = sqliteHouse();
    const engine = await start();
    const room = engine.topics("/r", { ...LIMITS, size: 3 });
    room.subscribe("listened", () => {});
    for (let n = 0; n < 300; n++) room.publish(`t.${n % 150}`, { data: "x", json: false });
    for (let n = 0; n < 10; n++) room.publish("listened", { data: "x", json: false });
    await said(room, "t.0", "x", { id: "1" });
    clock.advance(LIMITS.ttl - 20_000);
    await said(room, "young", "x");
    clock.advance(60_000);
    await engine.close();
    expect(rows(file)).toEqual({ topics: 2, messages: 4, idems: 0 });
  });

  test("drops what is past a bound with the next publish", async () => {
    const { file, start } = sqliteHouse();
    const engine = await start();
    const room = engine.topics("/r", { ...LIMITS, size: 5 });
    for (let n = 0; n < 2_000; n++) room.publish("t", { data: "x", json: false });
    await engine.close();
    expect(rows(file)).toEqual({ topics: 1, messages: 5, idems: 0 });
  });

  test("ends every timer when it is closed, and starts and closes twice without effect", async () => {
    const { start, clock } = sqliteHouse();
    const engine = await start();
    await engine.start();
    await engine.close();
    await engine.close();
    await engine.start();
    expect(clock.pending).toBe(0);
  });

  test("answers as down before it was started", async () => {
    const { createSqliteEngine } = await import("../../src/engines/sqlite.ts");
    const { file, clock, log } = sqliteHouse();
    const engine = createSqliteEngine({ file, sync: "batch", clock, log, onError() {} });
    const room = engine.topics("/r", LIMITS);
    expect(await say(room, "t", "x")).toEqual({
      code: "engine_down",
      text: "the engine has not been started",
    });
    expect(engine.health().up).toBe(false);
    await engine.close();
  });
});

describe("the log of idems", () => {
  function house() {
    const { file, clock, log } = sqliteHouse();
    const open = () => openFile({ file, sync: "batch", wall: clock.wall, log });
    return { clock, file, open };
  }

  test("drops rows from the file once they are past their time, or too many", () => {
    const { clock, file, open } = house();
    const opened = open();
    const idems = createIdemLog(clock, 1, opened.store, true);
    opened.store.transaction(() => {
      for (let n = 1; n <= IDEM_MAX + 10_005; n++) idems.add(`k${n}`, { epoch: "e", offset: n });
    });
    idems.confirm();
    opened.close();
    expect(rows(file).idems).toBe(IDEM_MAX + 4);
    const again = open();
    const restored = createIdemLog(clock, 1, again.store, true);
    expect(restored.look(`k${IDEM_MAX}`, undefined)).toEqual({ epoch: "e", offset: IDEM_MAX });
    clock.advance(IDEM_TTL_MS);
    restored.sweep();
    again.close();
    expect(rows(file).idems).toBe(0);
  });

  test("calls what it does not know gone after a restart, if it was full", () => {
    const { clock, open } = house();
    const opened = open();
    const idems = createIdemLog(clock, 1, opened.store, true);
    const known = () => createIdemLog(clock, 1, opened.store, true).look("unknown", 5_000);
    opened.store.transaction(() => {
      for (let n = 1; n < IDEM_MAX; n++) idems.add(`k${n}`, { epoch: "e", offset: n });
    });
    expect(known()).toBeUndefined();
    idems.add("one more", { epoch: "e", offset: 1 });
    expect(known()).toBe(GONE);
    opened.close();
  });
});
