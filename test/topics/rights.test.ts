import { describe, expect, test } from "bun:test";
import type { May, Right } from "../../src/identity.ts";
import { NOWHERE, readLacks, sinceFor } from "../../src/topics/rights.ts";
import type { Answer, Command } from "../../src/wire/v1.ts";
import { type RightsHouse, rightsHouse } from "./rights-house.ts";

const only =
  (...rights: Right[]): May =>
  (right) =>
    rights.includes(right);
const but =
  (...rights: Right[]): May =>
  (right) =>
    !rights.includes(right);
const nothing: May = () => false;

const KINDS = ["room", "feed"] as const;
const forbiddenFor = (right: Right) => ({
  err: { code: "forbidden" as const, message: expect.stringContaining(`\`${right}\``) },
});

/** A topic with three messages. */
async function filled(house: RightsHouse, topic: string): Promise<void> {
  for (const data of ["1", "2", "3"]) house.topics.publish(topic, { data, json: false });
}

describe("what a reader lacks", () => {
  test("is the first of the rights that its wish needs", () => {
    expect(readLacks(only("subscribe"), { topic: "a" })).toBeUndefined();
    expect(readLacks(nothing, { topic: "a", presence: true, last: 1 })).toContain("`subscribe`");
    expect(readLacks(only("subscribe"), { topic: "a", presence: true })).toContain("`presence`");
    expect(readLacks(only("subscribe"), { topic: "a", last: 1 })).toContain("`history`");
    expect(readLacks(only("subscribe"), { topic: "a", presence: false, last: 0 })).toBeUndefined();
  });

  test("is nowhere to go on from, where it has no right to the history", () => {
    const since = { epoch: "a", offset: 3 };
    expect(sinceFor(only("history"), "t", since)).toBe(since);
    expect(sinceFor(nothing, "t", since)).toBe(NOWHERE);
    expect(sinceFor(nothing, "t", undefined)).toBeUndefined();
  });
});

describe.each(KINDS)("%s: a client without a right", (kind) => {
  test.each<[Right, string]>([
    ["subscribe", ""],
    ["presence", "presence=1"],
    ["history", "last=1"],
  ])("to %s is refused before the 101 on ?%s, and nothing is looked up", async (right, query) => {
    const house = rightsHouse(kind);
    const answers = await Promise.all(
      ["exists", "not"].map(async (topic) => {
        await filled(house, "exists");
        house.touched.length = 0;
        return house.admit({ may: but(right), topic, query });
      }),
    );
    const [known, unknown] = answers.map((answer) => JSON.stringify(answer));
    expect(answers[0]).toMatchObject({ refusal: { status: 403, code: "forbidden" } });
    expect(known).toContain(`no right to \`${right}\``);
    expect(known?.replace("exists", "not")).toBe(unknown ?? "");
    expect(house.touched).toEqual([]);
  });

  test("that showed its token only by `auth` gets `err forbidden` and 3003 instead of a welcome", async () => {
    const house = rightsHouse(kind);
    const { connection, welcomed } = await house.speak({ may: but("subscribe") }, {});
    expect(welcomed).toBe(false);
    const [frame] = connection.sent.map((data) => JSON.parse(String(data)));
    expect(frame).toEqual({ t: "err", code: "forbidden", message: expect.stringContaining("`subscribe`") });
    expect(connection.ended).toMatchObject({ code: 3003, local: true });
    expect(house.touched).toEqual([]);
    expect(house.counters.denied).toBe(1);
  });

  test.each<[Right, Command]>([
    ["subscribe", { t: "sub", topic: "t", presence: false }],
    ["presence", { t: "sub", topic: "t", presence: true }],
    ["history", { t: "sub", topic: "t", presence: false, last: 2 }],
    ["presence", { t: "who", topic: "t" }],
    ["history", { t: "history", topic: "t" }],
    ["publish", { t: "pub", topic: "t", data: "x", json: false }],
    ["publish", { t: "pub", data: "x", json: false }],
  ])("to %s is refused %j, and nothing is looked up", async (right, command) => {
    const house = rightsHouse(kind);
    const { ask, become } = await house.speak();
    await ask({ t: "unsub", topic: "t" });
    house.touched.length = 0;
    become({ may: but(right) });
    expect(await ask(command)).toEqual(forbiddenFor(right));
    expect(house.touched).toEqual([]);
    expect(house.counters.denied).toBe(1);
  });

  test("to publish is not heard, and what it said is counted", async () => {
    const house = rightsHouse(kind);
    const reader = house.plain();
    const writer = house.plain({ may: only("subscribe") });
    writer.say("x");
    writer.say(new Uint8Array([1]));
    expect(reader.sent).toEqual([]);
    expect(house.counters.dropped.ignored).toBe(2);
    expect(writer.isOpen).toBe(true);
  });

  test("to the history comes back with a position, and is told that nothing is recovered", async () => {
    const house = rightsHouse(kind);
    await filled(house, "t");
    const { epoch } = await house.topics.history("t", { limit: 0 });
    const { ask, connection } = await house.speak({ may: but("history"), query: `since=${epoch}:1` });
    await ask({ t: "unsub", topic: "t" });
    const since = { epoch, offset: 1 };
    expect(await ask({ t: "sub", topic: "t", presence: false, since })).toEqual({
      ok: { topic: "t", epoch, offset: 3, recovered: false, count: 0 },
    });
    expect(connection.sent).toEqual([]);
    expect(house.counters.recoveries).toEqual({ recovered: 0, lost: 2 });
  });
});

describe("feed: a pattern", () => {
  const named = new Map([["chat.a", { epoch: "x", offset: 1 }]]);

  test("is asked about as it is, and needs a right to all of it", async () => {
    const house = rightsHouse("feed");
    const may: May = (_, name) => name !== "chat.*";
    const { ask } = await house.speak({ may });
    expect(await ask({ t: "sub", topic: "chat.*", presence: false })).toEqual(forbiddenFor("subscribe"));
    expect(await ask({ t: "sub", topic: "chat.a", presence: false })).toMatchObject({ ok: { count: 0 } });
    expect(house.asked).toContain("subscribe chat.*");
  });

  test("replays none of its topics without a right to the history, also those that its map does not name", async () => {
    const house = rightsHouse("feed");
    await filled(house, "chat.a");
    await filled(house, "chat.b");
    const { ask, connection } = await house.speak({ may: but("history") });
    const answer: Answer = await ask({ t: "sub", topic: "chat.*", presence: false, since: named });
    expect(answer).toMatchObject({
      ok: {
        positions: {
          "chat.a": { offset: 3, recovered: false, count: 0 },
          "chat.b": { offset: 3, recovered: false, count: 0 },
        },
      },
    });
    expect(connection.sent).toEqual([]);
  });
});

describe("feed: a request without a right", () => {
  const events = { headers: { Accept: "text/event-stream" } };
  test.each<[string, Right, RequestInit & { headers?: Record<string, string> }, string]>([
    ["an event stream", "subscribe", events, ""],
    ["an event stream of old messages", "history", events, "last=1"],
    ["a page", "history", {}, ""],
    ["a POST", "publish", { method: "POST", body: "x" }, ""],
  ])("for %s, `%s`, is refused with 403, and nothing is looked up", async (_, right, init, query) => {
    const house = rightsHouse("feed");
    const answers = await Promise.all(
      ["exists", "not"].map(async (topic) => {
        await filled(house, "exists");
        house.touched.length = 0;
        return house.http(init, { may: but(right), topic, query });
      }),
    );
    const [known, unknown] = answers.map((answer) => JSON.stringify(answer));
    expect(answers[0]).toMatchObject({ status: 403, code: "forbidden" });
    expect(known?.replace("exists", "not")).toBe(unknown ?? "");
    expect(house.touched).toEqual([]);
  });
});

describe("feed: an event stream", () => {
  const events = { headers: { Accept: "text/event-stream" } };

  test("ends with an event that says why, when its identity counts no longer", async () => {
    const house = rightsHouse("feed");
    const answer = await house.http(events);
    if (!(answer instanceof Response)) throw new Error(answer.text);
    expect(house.holds.size).toBe(1);
    for (const end of house.holds) end();
    await filled(house, "t");
    const text = await answer.text();
    expect(text).toMatch(/^: \n\nevent: end\ndata: \{"code":"unauthorized",.*\}\n\n$/);
    expect(house.counters.streams).toBe(0);
  });

  test("that ended by itself lets go of its identity", async () => {
    const house = rightsHouse("feed");
    const answer = await house.http(events);
    if (!(answer instanceof Response)) throw new Error(answer.text);
    await answer.body?.cancel();
    expect(house.holds.size).toBe(0);
  });

  test("without a right to the history begins with a gap where it asks to go on, and none of what it missed", async () => {
    const house = rightsHouse("feed");
    await filled(house, "t");
    const { epoch } = await house.topics.history("t", { limit: 0 });
    const headers = { ...events.headers, "Last-Event-ID": `${epoch}:1` };
    const answer = await house.http({ headers }, { may: but("history") });
    if (!(answer instanceof Response)) throw new Error(answer.text);
    for (const end of house.holds) end();
    expect(await answer.text()).toMatch(
      new RegExp(`^: \n\nid: ${epoch}:3\nevent: gap\ndata: .*\n\nevent: end\n`),
    );
  });
});

describe.each(KINDS)("%s: what a new token would lack", (kind) => {
  test("is the path's topic while it is subscribed", async () => {
    const house = rightsHouse(kind);
    const { connection, ask } = await house.speak({ topic: "own" });
    const under = (may: May) => house.route.v1?.lacks?.(connection, may);
    expect(under(only("subscribe"))).toBeUndefined();
    expect(under(nothing)).toContain('`subscribe` on "own"');
    await ask({ t: "unsub", topic: "own" });
    expect(under(nothing)).toBeUndefined();
  });

  test("is a watch of who comes and goes", async () => {
    const house = rightsHouse(kind);
    const { connection } = await house.speak({ topic: "own", query: "presence=1" });
    expect(house.route.v1?.lacks?.(connection, only("subscribe"))).toContain('`presence` on "own"');
    expect(house.route.v1?.lacks?.(connection, only("subscribe", "presence"))).toBeUndefined();
  });
});

test("feed: what a new token would lack is any of the subscriptions, as they were asked for", async () => {
  const house = rightsHouse("feed");
  const { connection, ask } = await house.speak({ topic: "own" });
  await ask({ t: "sub", topic: "chat.*", presence: false });
  const may: May = (_, name) => name === "own";
  expect(house.route.v1?.lacks?.(connection, may)).toContain('`subscribe` on "chat.*"');
});
