/** What the sqlite engine does when its disk fails, its file is damaged, or its callers misbehave. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readdirSync, truncateSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Message } from "../../src/engine.ts";
import { held, LIMITS, said, say, sqliteHouse, texts } from "./sqlite-house.ts";

const FULL = Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
const DAMAGED = Object.assign(new Error("database disk image is malformed"), { code: "SQLITE_CORRUPT" });

const down = { code: "engine_down", text: expect.stringContaining("full (SQLITE_FULL)") };
const files = (file: string) => readdirSync(dirname(file)).sort();

describe("while the disk is full", () => {
  test("publishes are refused, with the reason, and leave nothing: not an offset, not an idem", async () => {
    const { start, disk, clock } = sqliteHouse();
    const engine = await start();
    const room = engine.topics("/r", LIMITS);
    const head = await said(room, "t", "a");
    disk.write = FULL;
    const answers = await Promise.all([
      say(room, "t", "b", { id: "1" }),
      say(room, "new", "c"),
      say(room, "t", "d"),
    ]);
    expect(answers).toMatchObject([down, down, down]);
    expect(await say(room, "t", "e")).toMatchObject(down);
    expect(engine.health()).toEqual({ up: false, text: expect.stringContaining("disk is full") });
    disk.write = undefined;
    clock.advance(1000);
    expect(engine.health().up).toBe(true);
    expect(await said(room, "t", "b", { id: "1" })).toEqual({ ...head, offset: 2 });
    expect((await said(room, "new", "c")).offset).toBe(1);
    expect(await held(room, "t")).toEqual(["a", "b"]);
  });

  test("what was refused takes nothing of history.total", async () => {
    const { start, disk, clock } = sqliteHouse();
    const room = (await start()).topics("/r", { ...LIMITS, total: 4_000 });
    await said(room, "t", "a");
    disk.write = FULL;
    expect(await say(room, "refused", "x".repeat(1_000))).toMatchObject(down);
    disk.write = undefined;
    clock.advance(1000);
    await said(room, "new", "x".repeat(1_000));
    expect(await held(room, "new")).toHaveLength(1);
  });

  test("what was accepted is delivered, readers come and go, and history is read", async () => {
    const { start, disk } = sqliteHouse();
    const room = (await start()).topics("/r", LIMITS);
    const got: Message[] = [];
    room.subscribe("t", (message) => {
      got.push(message);
      disk.write = FULL;
      room.publish("t", { data: "refused", json: false });
    });
    const answers = ["a", "b"].map((data) => say(room, "t", data));
    expect(await Promise.all(answers)).toMatchObject([{ offset: 1 }, { offset: 2 }]);
    expect(await say(room, "t", "c")).toMatchObject(down);
    expect(texts(got)).toEqual(["a", "b"]);
    const late = Promise.withResolvers<object>();
    room.subscribe("t", () => {}, late.resolve);
    expect(await late.promise).toMatchObject({ offset: 2 });
    expect(await held(room, "t")).toEqual(["a", "b"]);
    expect((await room.find(">", 9)).length).toBe(1);
  });

  test("it is tried again every second, and said once that it is down and once that it is up", async () => {
    const { start, disk, clock, log } = sqliteHouse();
    const engine = await start();
    const room = engine.topics("/r", LIMITS);
    disk.write = FULL;
    await say(room, "t", "a");
    clock.advance(10_000);
    expect(engine.health().up).toBe(false);
    disk.write = undefined;
    clock.advance(1_000);
    expect(engine.health().up).toBe(true);
    expect(log.lines.map(({ level, text }) => [level, text])).toEqual([
      ["error", "! the engine cannot write"],
      ["info", "the engine takes messages again"],
    ]);
    expect(log.lines[0]).toMatchObject({ reason: "database or disk is full (SQLITE_FULL)" });
  });

  test("an engine starts, refuses, and takes messages when there is room", async () => {
    const { start, disk, clock } = sqliteHouse();
    disk.write = FULL;
    const engine = await start();
    const room = engine.topics("/r", LIMITS);
    expect(await say(room, "t", "a")).toMatchObject(down);
    await expect(room.history("t", { limit: 1 })).rejects.toMatchObject({ code: "ENGINE_DOWN" });
    const refused = Promise.withResolvers<object>();
    room.subscribe("t", () => {}, refused.resolve).close();
    expect(await refused.promise).toMatchObject(down);
    disk.write = undefined;
    clock.advance(1000);
    expect((await said(room, "t", "a")).offset).toBe(1);
  });

  test("it closes in order, and says that the file is not marked as closed", async () => {
    const { start, disk, log, clock } = sqliteHouse();
    const engine = await start();
    disk.write = FULL;
    await engine.close();
    expect(log.lines).toMatchObject([{ level: "error", text: "! the engine could not close its file" }]);
    expect(clock.pending).toBe(0);
    disk.write = undefined;
    await start();
  });
});

test("a file that cannot be read refuses what needs it, and recovers", async () => {
  const { start, disk, clock } = sqliteHouse();
  const engine = await start();
  const room = engine.topics("/r", LIMITS);
  await said(room, "t", "a");
  disk.read = Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR_READ" });
  await expect(room.history("t", { limit: 1 })).rejects.toMatchObject({
    code: "ENGINE_DOWN",
    message: expect.stringContaining("SQLITE_IOERR_READ"),
  });
  expect(engine.health().up).toBe(false);
  disk.read = undefined;
  clock.advance(1000);
  expect(await held(room, "t")).toEqual(["a"]);
});

describe("a damaged file", () => {
  test.each([
    ["is no database", (file: string) => writeFileSync(file, "something else entirely ".repeat(500))],
    ["was cut off", (file: string) => truncateSync(file, 5000)],
    ["has another program's tables", (file: string) => foreign(file, "CREATE TABLE theirs (x)")],
    ["has our mark and other tables", (file: string) => foreign(file, "PRAGMA application_id = 1179403332")],
  ])("that %s is moved aside at the start, loudly, and a new one begun", async (_, damage) => {
    const { file, start, log } = sqliteHouse();
    const first = await start();
    const before = await said(first.topics("/r", LIMITS), "t", "a");
    await first.close();
    damage(file);
    const room = (await start()).topics("/r", LIMITS);
    const after = await said(room, "t", "b");
    expect(after.offset).toBe(1);
    expect(after.epoch).not.toBe(before.epoch);
    expect(log.lines).toMatchObject([
      { level: "error", text: "! the engine's file is damaged and was moved aside", file },
    ]);
    expect(files(file).filter((name) => /^fairlead\.db\.corrupt-\d{8}T\d{9}Z$/.test(name)).length).toBe(1);
  });

  test("that shows at run time is moved aside a second later; who listens hears the new epoch", async () => {
    const { file, start, disk, clock, log } = sqliteHouse();
    const engine = await start();
    const room = engine.topics("/r", LIMITS);
    const got: Message[] = [];
    room.subscribe("t", (message) => got.push(message));
    for (const data of ["a", "b", "c"]) await said(room, "t", data);
    disk.write = DAMAGED;
    expect(await say(room, "t", "d")).toMatchObject({ code: "engine_down" });
    disk.write = undefined;
    clock.advance(1000);
    expect(engine.health().up).toBe(true);
    await said(room, "t", "e");
    expect(got.map(({ offset }) => offset)).toEqual([1, 2, 3, 1]);
    expect(got[3]?.epoch).not.toBe(got[2]?.epoch ?? "");
    expect(files(file).some((name) => name.includes(".corrupt-"))).toBe(true);
    expect(log.lines.map(({ text }) => text)).toContain("! the engine's file is damaged and was moved aside");
  });

  test("whose rows contradict each other is moved aside, once that shows", async () => {
    const { file, start, clock, log } = sqliteHouse();
    const first = await start();
    for (const data of ["a", "b"]) await said(first.topics("/r", LIMITS), "t", data);
    await first.close();
    using db = new Database(file);
    db.run("UPDATE topics SET head = 1");
    db.close();
    const room = (await start()).topics("/r", LIMITS);
    expect(await say(room, "t", "c")).toMatchObject({ code: "engine_down" });
    clock.advance(1000);
    expect((await said(room, "t", "c")).offset).toBe(1);
    expect(log.lines.map(({ text }) => text)).toContain("! the engine's file is damaged and was moved aside");
  });

  test("of a later version is left alone, and ends the start with what to do", async () => {
    const { file, start } = sqliteHouse();
    await (await start()).close();
    using db = new Database(file);
    db.run("PRAGMA user_version = 2");
    db.close();
    await expect(start()).rejects.toMatchObject({
      code: "ENGINE_DOWN",
      message: expect.stringMatching(/later version.*start that version, or name another file/),
    });
    expect(files(file)).toEqual(["fairlead.db"]);
  });
});

function foreign(file: string, statement: string): void {
  writeFileSync(file, "");
  using db = new Database(file);
  db.run("CREATE TABLE some (x)");
  db.run(statement);
}

describe("callbacks", () => {
  test("that publish without end are stopped at a thousand messages of a topic that wait", async () => {
    const { start } = sqliteHouse();
    const room = (await start()).topics("/r", LIMITS);
    const answers: object[] = [];
    const stop = Promise.withResolvers<void>();
    const subscription = room.subscribe("t", () => {
      subscription.close();
      for (let n = 0; n < 1500; n++)
        room.publish("t", { data: "x", json: false }, (answer) => {
          answers.push(answer);
          if (answers.length === 1500) stop.resolve();
        });
    });
    room.publish("t", { data: "first", json: false });
    await stop.promise;
    const refused = answers.filter((answer) => "code" in answer);
    expect(refused.length).toBe(501);
    expect(refused[0]).toMatchObject({ code: "engine_down", text: expect.stringContaining("more slowly") });
  });

  test("that throw are reported, and the others are answered", async () => {
    const { start, faults } = sqliteHouse();
    const room = (await start()).topics("/r", LIMITS);
    const error = new Error("broken");
    const fail = () => {
      throw error;
    };
    room.subscribe("t", fail);
    room.publish("t", { data: "a", json: false }, fail);
    expect((await said(room, "t", "b")).offset).toBe(2);
    expect(faults).toEqual(
      ["deliver", "done", "deliver"].map((stage) => ({
        stage,
        route: "/r",
        name: "t",
        error,
      })) as typeof faults,
    );
  });

  test("that close the engine inside a delivery end it: what was committed is answered, nothing more delivered", async () => {
    const { start } = sqliteHouse();
    const engine = await start();
    const room = engine.topics("/r", LIMITS);
    const got: unknown[] = [];
    room.subscribe("t", ({ data }) => {
      got.push(data);
      room.publish("t", { data: "nested", json: false }, (answer) => got.push(answer));
      void engine.close();
    });
    const answers = await Promise.all(["a", "b"].map((data) => say(room, "t", data)));
    expect(answers).toMatchObject([{ offset: 1 }, { offset: 2 }]);
    expect(await say(room, "t", "c")).toMatchObject({ code: "engine_down" });
    await new Promise((done) => setImmediate(done));
    expect(got).toMatchObject(["a", { code: "engine_down" }]);
  });
});

test("close commits what was published in this turn, delivers and answers it", async () => {
  const { start } = sqliteHouse();
  const engine = await start();
  const room = engine.topics("/r", LIMITS);
  const got: unknown[] = [];
  room.subscribe("t", ({ data }) => got.push(data));
  const answer = say(room, "t", "a");
  await engine.close();
  expect(await answer).toMatchObject({ offset: 1 });
  expect(got).toEqual(["a"]);
  expect(await held((await start()).topics("/r", LIMITS), "t")).toEqual(["a"]);
});
