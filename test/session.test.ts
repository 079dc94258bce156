import { beforeEach, describe, expect, test } from "bun:test";
import type { Connection, Data } from "../src/connection.ts";
import type { Reply, Route, V1 } from "../src/route.ts";
import { refused, Session } from "../src/session.ts";
import type { Command } from "../src/wire/v1.ts";
import { type TestClock, testClock } from "./clock.ts";
import { type FakeConnection, openFake } from "./fake-connection.ts";
import { openHost } from "./open-access.ts";

/** A command that its route has not answered yet. */
interface Asked {
  readonly command: Command;
  readonly size: number;
  readonly reply: Reply;
  /** The next command may have its turn. */
  finish(): void;
  fail(error: Error): void;
}

/** A route that answers `pub` when the test says so, and holds the connection for all other commands. */
function handRoute() {
  const asked: Asked[] = [];
  const v1: V1 = {
    open: (_, welcome) => welcome({ topic: "t", epoch: "e", offset: 0, count: 0 }),
    command(_, command, reply, size) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      asked.push({ command, size, reply, finish: resolve, fail: reject });
      return command.t === "pub" ? undefined : promise;
    },
  };
  return { v1, asked };
}

describe("a session", () => {
  let clock: TestClock;
  let route: ReturnType<typeof handRoute>;
  let connection: FakeConnection;
  let session: Session;
  let failures: string[];
  let rate = { subscribes: 0, burst: 0 };

  beforeEach(() => {
    clock = testClock();
    route = handRoute();
    failures = [];
    open(route.v1);
  });

  function open(v1: V1, highWater = 1_000): void {
    const hooks = { open() {}, close() {}, message() {}, drain: () => session.drained() };
    connection = openFake(hooks as Partial<Route> as Route);
    const options = {
      v1,
      kind: "room",
      node: "n",
      heartbeat: 25_000,
      maxMessage: 100,
      highWater,
      ...rate,
      deadline: 0,
      clock,
    } as const;
    session = new Session(
      connection as Connection,
      options,
      openHost((stage, error) => failures.push(`${stage}: ${String(error)}`)),
    );
    session.open();
  }

  const say = (command: object | string) => {
    const text = typeof command === "string" ? command : JSON.stringify(command);
    session.message(text, text.length);
  };
  const heard = () => connection.take().map((data: Data) => JSON.parse(String(data)));
  /** Lets what waits for a promise run, and the loop's next turn. */
  const settle = async () => {
    for (let i = 0; i < 5; i += 1) await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  };

  test("begins with the welcome", () => {
    expect(heard()).toEqual([
      {
        t: "welcome",
        conn: connection.id,
        kind: "room",
        user: null,
        heartbeat: 25_000,
        maxMessage: 100,
        node: "n",
        sub: { topic: "t", epoch: "e", offset: 0, count: 0 },
      },
    ]);
  });

  test("keeps commands that come before the welcome", () => {
    let welcome = () => {};
    open({
      ...route.v1,
      open(_, welcomed) {
        welcome = welcomed;
      },
    });
    say({ t: "ping", id: 1 });
    say({ t: "pub", id: 2, data: 1 });
    expect([heard(), route.asked.length]).toEqual([[], 0]);
    welcome();
    expect([heard().map(({ t }) => t), route.asked.length]).toEqual([["welcome", "ok"], 1]);
  });

  test("answers each id once, in the route's words and at its time", () => {
    heard();
    say({ t: "pub", id: 1, data: 1 });
    say({ t: "pub", id: 2, data: 2 });
    const [first, second] = route.asked;
    second?.reply({ okText: '"offset":2' });
    first?.reply(refused("engine_down", "down"));
    expect(heard()).toEqual([
      { t: "ok", id: 2, offset: 2 },
      { t: "err", id: 1, code: "engine_down", message: "down" },
    ]);
  });

  test("says nothing of a command without id that went well, and tells an error without one", () => {
    heard();
    say({ t: "pub", data: 1 });
    say({ t: "pub", data: 1 });
    route.asked[0]?.reply({ ok: {} });
    expect(heard()).toEqual([]);
    route.asked[1]?.reply(refused("forbidden", "no"));
    expect(heard()).toEqual([{ t: "err", code: "forbidden", message: "no" }]);
  });

  test("hands over the bytes of the frame", () => {
    say('{"t":"pub","data":1}');
    expect(route.asked[0]?.size).toBe(20);
  });

  test("holds back what follows a command that is answered later, and keeps the order", async () => {
    heard();
    say({ t: "sub", id: 1, topic: "t" });
    say({ t: "unsub", id: 2, topic: "t" });
    say({ t: "ping", id: 3 });
    expect(route.asked.map(({ command }) => command.t)).toEqual(["sub"]);
    route.asked[0]?.reply({ ok: {} });
    route.asked[0]?.finish();
    await settle();
    expect(route.asked.map(({ command }) => command.t)).toEqual(["sub", "unsub"]);
    route.asked[1]?.finish();
    await settle();
    expect(heard().map(({ id }) => id)).toEqual([1, 3]);
  });

  test("waits for no publish", () => {
    for (let id = 1; id <= 200; id += 1) say({ t: "pub", id, data: 1 });
    expect([route.asked.length, connection.isPaused]).toEqual([200, false]);
  });

  test("reads no more past 16 commands that wait, and goes on when more than half of them are done", async () => {
    say({ t: "sub", topic: "t" });
    for (let n = 1; n < 16; n += 1) say({ t: "unsub", topic: "t" });
    expect(connection.isPaused).toBe(false);
    say({ t: "unsub", topic: "t" });
    expect(connection.isPaused).toBe(true);
    for (let n = 0; n < 9; n += 1) {
      expect(connection.isPaused).toBe(true);
      route.asked[n]?.finish();
      await settle();
    }
    expect(connection.isPaused).toBe(false);
  });

  test("reads no more from a client that does not read its answers, until half of them are gone", () => {
    connection.stall();
    for (let id = 1; id < 40; id += 1) {
      say({ t: "pub", id, data: 1 });
      route.asked.at(-1)?.reply({ ok: { text: "x".repeat(20) } });
    }
    expect(connection.isPaused).toBe(true);
    connection.catchUp(600);
    expect(connection.isPaused).toBe(true);
    connection.catchUp(400);
    expect(connection.isPaused).toBe(false);
  });

  test("never pauses for unread answers when highWater is 0", () => {
    open(route.v1, 0);
    connection.stall();
    for (let id = 1; id < 400; id += 1) say({ t: "ping", id });
    expect(connection.isPaused).toBe(false);
  });

  test("reads on only when the next `sub` is within its rate, and refuses none", () => {
    rate = { subscribes: 10, burst: 3 };
    open({ ...route.v1, command: (_, command, reply) => reply({ ok: { to: command.t } }) });
    rate = { subscribes: 0, burst: 0 };
    heard();
    for (let id = 1; id <= 5; id += 1) say({ t: "sub", id, topic: "t" });
    say({ t: "ping", id: 6 });
    const answered = () => heard().map(({ id }) => id);
    expect([answered(), connection.isPaused]).toEqual([[1, 2, 3], true]);
    connection.catchUp();
    expect(connection.isPaused).toBe(true);
    clock.advance(99);
    expect(answered()).toEqual([]);
    clock.advance(1);
    expect([answered(), connection.isPaused]).toEqual([[4], true]);
    clock.advance(100);
    expect([answered(), connection.isPaused]).toEqual([[5, 6], false]);
    clock.advance(300);
    for (let id = 7; id <= 9; id += 1) say({ t: "sub", id, topic: "t" });
    expect([answered(), connection.isPaused]).toEqual([[7, 8, 9], false]);
  });

  test("answers ping with the time, and auth with unauthorized while there are no tokens", () => {
    heard();
    say({ t: "ping", id: 1 });
    say({ t: "auth", id: 2, token: "secret" });
    const [pong, refusal] = heard();
    expect(pong).toEqual({ t: "ok", id: 1, time: clock.wall() });
    expect(refusal).toMatchObject({ t: "err", id: 2, code: "unauthorized" });
    expect(JSON.stringify(refusal)).not.toContain("secret");
  });

  test.each([
    [2, 2],
    [5, 3],
  ])("refuses an id that does not grow, without an id: %d then %d", (before, after) => {
    heard();
    say({ t: "ping", id: before });
    say({ t: "ping", id: after });
    const [, refusal] = heard();
    expect(refusal).toEqual({ t: "err", code: "bad_request", message: expect.stringContaining(`${after}`) });
  });

  test("counts an id that was refused as used", () => {
    heard();
    say({ t: "nope", id: 3 });
    say({ t: "ping", id: 3 });
    expect(heard().map(({ id, code }) => [id, code])).toEqual([
      [3, "unknown_command"],
      [undefined, "bad_request"],
    ]);
  });

  test("closes with 1008 after ten in a row that nobody understands, and not after nine", () => {
    for (let n = 0; n < 9; n += 1) say("{");
    say({ t: "ping", id: 1 });
    for (let n = 0; n < 9; n += 1) say({ t: "nope" });
    expect(connection.ended).toBeUndefined();
    say("");
    expect(connection.ended).toMatchObject({ code: 1008 });
  });

  test("does not count what the route merely forbids", () => {
    for (let n = 0; n < 20; n += 1) {
      say({ t: "pub", data: 1 });
      route.asked.at(-1)?.reply(refused("forbidden", "no"));
    }
    expect(connection.ended).toBeUndefined();
  });

  test("tells a drain", () => {
    heard();
    session.drain(10_000, 250);
    expect(heard()).toEqual([{ t: "drain", within: 10_000, retry: 250 }]);
  });

  test("reports a command that failed after its hook had returned, and runs nothing behind it", async () => {
    say({ t: "sub", topic: "t" });
    say({ t: "unsub", topic: "t" });
    route.asked[0]?.fail(new Error("bug"));
    await settle();
    expect([failures, route.asked.length]).toEqual([["command: Error: bug"], 1]);
  });

  test("reports an open that failed", async () => {
    open({ ...route.v1, open: () => Promise.reject(new Error("bug")) });
    await settle();
    expect(failures).toEqual(["open: Error: bug"]);
  });

  test("runs nothing that waits once the connection is closed", async () => {
    say({ t: "sub", topic: "t" });
    say({ t: "unsub", topic: "t" });
    connection.close(1000, "");
    route.asked[0]?.finish();
    await settle();
    expect(route.asked).toHaveLength(1);
  });
});
