/** How a client of fairlead.v1 shows who it is: by its first `auth`, and by later ones. */
import { beforeEach, describe, expect, test } from "bun:test";
import type { Connection, Data } from "../src/connection.ts";
import type { Identity } from "../src/identity.ts";
import type { Entry } from "../src/reception/auth-gate.ts";
import { refusal } from "../src/refusals.ts";
import type { Route, V1 } from "../src/route.ts";
import { Session } from "../src/session.ts";
import { type TestClock, testClock } from "./clock.ts";
import { type FakeConnection, openFake } from "./fake-connection.ts";

const ALICE: Identity = { user: "alice", by: "token", expires: 5_000 };
const DENIED: Entry = { refusal: refusal("unauthorized", "the token has expired") };

let clock: TestClock;
let connection: FakeConnection;
let session: Session;
let opened: string[];
let entry: Entry | Promise<Entry> | undefined;
let lacks: string | undefined;
let hasRoom: boolean;
let check: () => typeof entry;

const guest = (identity: Identity): Entry => ({ identity, may: () => true, waits: false });
const heard = () => connection.take().map((data: Data) => JSON.parse(String(data)));

function say(command: object): void {
  const text = JSON.stringify(command);
  session.message(text, text.length);
}

function start(waits: boolean): void {
  clock = testClock();
  opened = [];
  [lacks, hasRoom, entry] = [undefined, true, guest(ALICE)];
  check = () => entry;
  const hooks: Partial<Route> = { open() {}, close: () => session.closed(), message() {}, drain() {} };
  connection = openFake(hooks as Route);
  const v1: V1 = {
    open({ user }, welcome) {
      opened.push(String(user));
      welcome();
    },
    command: (_, { t }, reply) => reply({ ok: { did: t } }),
    lacks: () => lacks,
  };
  const about = { kind: "room", node: "n", heartbeat: 25_000, maxMessage: 100, highWater: 1_000 } as const;
  session = new Session(
    connection as Connection,
    { v1, ...about, subscribes: 0, burst: 1, deadline: 5_000, clock },
    {
      waits,
      check: () => check(),
      identify(now) {
        if (hasRoom) Object.assign(connection, { identity: now.identity, user: now.identity.user });
        return hasRoom;
      },
      entering: () => true,
      fail: (stage, error) => {
        throw new Error(stage, { cause: error });
      },
    },
  );
  session.open();
}

describe("a client that has shown nothing", () => {
  beforeEach(() => start(true));

  test("hears nothing, and its route does not know of it, until it says who it is", () => {
    expect(opened).toEqual([]);
    expect(heard()).toEqual([]);
  });

  test("is welcomed by its name after a token that counts, and then answered", () => {
    say({ t: "auth", id: 7, token: "x" });
    expect(opened).toEqual(["alice"]);
    const [welcome, ok] = heard();
    expect(welcome).toMatchObject({ t: "welcome", user: "alice", expires: 5_000 });
    expect(ok).toEqual({ t: "ok", id: 7, user: "alice", expires: 5_000 });
  });

  test("is welcomed and nothing else if its auth had no id", () => {
    say({ t: "auth", token: "x" });
    expect(heard().map(({ t }) => t)).toEqual(["welcome"]);
  });

  test("may do nothing before", () => {
    say({ t: "pub", id: 1, data: 1 });
    say({ t: "ping", id: 2 });
    expect(heard()).toMatchObject([
      { t: "err", id: 1, code: "unauthorized" },
      { t: "err", id: 2, code: "unauthorized" },
    ]);
    expect(opened).toEqual([]);
  });

  test("is not late when its token came in time and takes longer to be checked", async () => {
    const checked = Promise.withResolvers<Entry>();
    entry = checked.promise;
    clock.advance(4_999);
    say({ t: "auth", id: 1, token: "x" });
    clock.advance(60_000);
    expect(heard()).toEqual([]);
    checked.resolve(guest(ALICE));
    await entry;
    await Promise.resolve();
    expect(heard().map(({ t }) => t)).toEqual(["welcome", "ok"]);
  });

  test("has its next commands run after the welcome, if they came while its token was checked", async () => {
    entry = Promise.resolve(guest(ALICE));
    say({ t: "auth", id: 1, token: "x" });
    say({ t: "pub", id: 2, data: 1 });
    expect(heard()).toEqual([]);
    await entry;
    await Promise.resolve();
    expect(heard().map(({ t, id }) => [t, id])).toEqual([
      ["welcome", undefined],
      ["ok", 1],
      ["ok", 2],
    ]);
  });

  test("is told and closed with 3000 after a token that does not count", () => {
    entry = DENIED;
    say({ t: "auth", id: 1, token: "x" });
    expect(heard()).toMatchObject([{ t: "err", id: 1, code: "unauthorized" }]);
    expect(connection.ended).toMatchObject({ code: 3000 });
  });

  test("is closed with 1013 if its token cannot be checked now", () => {
    entry = { refusal: refusal("auth_unavailable") };
    say({ t: "auth", id: 1, token: "x" });
    expect(heard()).toMatchObject([{ t: "err", code: "engine_down" }]);
    expect(connection.ended).toMatchObject({ code: 1013 });
  });

  test("is told and closed with 3008 if it takes too long", () => {
    clock.advance(4_999);
    expect(connection.isOpen).toBe(true);
    clock.advance(1);
    expect(heard()).toMatchObject([{ t: "err", code: "unauthorized" }]);
    expect(connection.ended).toMatchObject({ code: 3008 });
  });

  test("leaves no timer when it is let in, nor when it goes away", () => {
    say({ t: "auth", token: "x" });
    expect(clock.pending).toBe(0);
    start(true);
    connection.leave();
    expect(clock.pending).toBe(0);
  });

  test("is let in by nobody if it went away while its token was checked", async () => {
    entry = Promise.resolve(guest(ALICE));
    say({ t: "auth", id: 1, token: "x" });
    connection.leave();
    await entry;
    await Promise.resolve();
    expect(opened).toEqual([]);
  });

  test("is closed with 1008 if its user has as many connections as one may", () => {
    hasRoom = false;
    say({ t: "auth", id: 1, token: "x" });
    expect(heard()).toMatchObject([{ t: "err", code: "too_many" }]);
    expect(connection.ended).toMatchObject({ code: 1008 });
    expect(opened).toEqual([]);
  });

  test("hears of no drain before its welcome", () => {
    session.drain(100, 100);
    expect(heard()).toEqual([]);
  });
});

describe("a later token", () => {
  beforeEach(() => {
    start(true);
    say({ t: "auth", token: "x" });
    heard();
  });

  test("takes the place of the one before, and the route is not opened again", () => {
    entry = guest({ ...ALICE, expires: 9_000 });
    say({ t: "auth", id: 1, token: "y" });
    expect(heard()).toEqual([{ t: "ok", id: 1, user: "alice", expires: 9_000 }]);
    expect(connection.identity.expires).toBe(9_000);
    expect(opened).toHaveLength(1);
  });

  test.each<[string, { entry?: Entry; lacks?: string }, string]>([
    ["does not count", { entry: DENIED }, "unauthorized"],
    ["is another user's", { entry: guest({ ...ALICE, user: "bob" }) }, "forbidden"],
    ["allows less than the connection has", { lacks: "subscribe on a.b" }, "forbidden"],
    ["cannot be checked now", { entry: { refusal: refusal("auth_unavailable") } }, "engine_down"],
  ])("that %s changes nothing but is told", (_, told, code) => {
    entry = told.entry ?? guest(ALICE);
    lacks = told.lacks;
    say({ t: "auth", id: 1, token: "y" });
    expect(heard()).toMatchObject([{ t: "err", id: 1, code }]);
    expect(connection.isOpen).toBe(true);
    expect(connection.identity).toEqual(ALICE);
    say({ t: "pub", id: 2, data: 1 });
    expect(heard()).toMatchObject([{ t: "ok", id: 2 }]);
  });

  test("is looked at once a second, after five at once: a check costs more than whoever sends it", () => {
    let checks = 0;
    entry = guest(ALICE);
    check = () => {
      checks += 1;
      return entry;
    };
    for (let id = 1; id <= 100; id += 1) say({ t: "auth", id, token: "y" });
    // One was the first.
    expect(checks).toBe(4);
    const answers = heard();
    expect(answers.filter(({ t }) => t === "ok")).toHaveLength(4);
    expect(answers.at(-1)).toMatchObject({ t: "err", id: 100, code: "rate_limited", retry: 1_000 });
    clock.advance(1_000);
    say({ t: "auth", id: 101, token: "y" });
    say({ t: "auth", id: 102, token: "y" });
    expect(heard()).toMatchObject([
      { t: "ok", id: 101 },
      { t: "err", id: 102, code: "rate_limited" },
    ]);
    expect(connection.isOpen).toBe(true);
  });

  test("holds back the commands behind it while it is checked", async () => {
    const late = Promise.resolve(guest(ALICE));
    entry = late;
    say({ t: "auth", id: 1, token: "y" });
    say({ t: "pub", id: 2, data: 1 });
    expect(heard()).toEqual([]);
    await late;
    await Promise.resolve();
    expect(heard().map(({ id }) => id)).toEqual([1, 2]);
  });
});

test("a token is of no use where tokens are not looked at, and says so", () => {
  start(false);
  heard();
  entry = undefined;
  say({ t: "auth", id: 1, token: "x" });
  expect(heard()).toMatchObject([{ t: "err", id: 1, code: "unauthorized" }]);
  expect(connection.isOpen).toBe(true);
});
