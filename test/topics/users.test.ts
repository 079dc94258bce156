/** Whose a message is and who is there, as the token of a connection or a request says it. */
import { describe, expect, test } from "bun:test";
import type { Command } from "../../src/wire/v1.ts";
import { type RightsHouse, rightsHouse, type Speaking } from "./rights-house.ts";

const KINDS = ["room", "feed"] as const;

/** Text frames that a client was sent. */
const frames = ({ connection }: Speaking) => connection.take().map((data) => JSON.parse(String(data)));
const pub = (data: string, more: object = {}): Command => ({ t: "pub", data, json: false, ...more });
const usersIn = async (house: RightsHouse) =>
  (await house.topics.history("t", { limit: 10 })).messages.map(({ data, user }) => [data, user]);

describe.each(KINDS)("%s: a message", (kind) => {
  test("says whose it is, whatever its publisher speaks; nobody's says nothing", async () => {
    const house = rightsHouse(kind);
    const reader = await house.speak();
    const ann = await house.speak({ user: "ann" });
    await ann.ask(pub("v1"));
    house.plain({ user: "bob" }).say("plain");
    house.plain().say("nobody");
    expect(frames(reader)).toMatchObject([
      { t: "msg", data: "v1", user: "ann", conn: ann.connection.id },
      { t: "msg", data: "plain", user: "bob" },
      { t: "msg", data: "nobody" },
    ]);
    expect(await usersIn(house)).toEqual([
      ["v1", "ann"],
      ["plain", "bob"],
      ["nobody", undefined],
    ]);
  });

  test("cannot claim to be somebody else's", async () => {
    const house = rightsHouse(kind);
    const ann = await house.speak({ user: "ann" });
    const claimed = { ...pub("x"), user: "bob" };
    await ann.ask(claimed);
    expect(await usersIn(house)).toEqual([["x", "ann"]]);
  });

  test("happens once under an `idem` of its user, on whatever connection; another user's is another", async () => {
    const house = rightsHouse(kind);
    const [first, second] = [await house.speak({ user: "ann" }), await house.speak({ user: "ann" })];
    const [bob, nobody] = [await house.speak({ user: "bob" }), await house.speak()];
    for (const { ask } of [first, second, bob, bob, nobody]) await ask(pub("x", { idem: "same" }));
    expect(await usersIn(house)).toEqual([
      ["x", "ann"],
      ["x", "bob"],
      ["x", undefined],
    ]);
  });
});

test("feed: a message by POST says whose it is", async () => {
  const house = rightsHouse("feed");
  for (const who of [{ user: "ann" }, {}]) await house.http({ method: "POST", body: "x" }, who);
  expect((await usersIn(house)).map(([, user]) => user)).toEqual(["ann", undefined]);
});

describe.each(KINDS)("%s: a member", (kind) => {
  test("is its user and what its token tells of it, whatever it speaks", async () => {
    const house = rightsHouse(kind);
    const ann = await house.speak({ user: "ann", info: { name: "Ann", is: [1, null] } });
    const bob = house.plain({ user: "bob", info: "the builder" });
    const nobody = house.plain();
    const answer = await ann.ask({ t: "who", topic: "t" });
    const since = expect.any(Number);
    expect(answer).toEqual({
      ok: {
        members: [
          { conn: ann.connection.id, user: "ann", info: { name: "Ann", is: [1, null] }, since },
          { conn: bob.id, user: "bob", info: "the builder", since },
          { conn: nobody.id, user: null, info: null, since },
        ],
        total: 3,
        complete: true,
      },
    });
  });

  test("comes and goes by the name of its user, and without what its token tells", async () => {
    const house = rightsHouse(kind);
    const watcher = await house.speak({ query: "presence=1" });
    const ann = house.plain({ user: "ann", info: { secret: "for who asks" } });
    ann.leave();
    const event = { topic: "t", conn: ann.id, user: "ann" };
    expect(frames(watcher)).toEqual([
      { t: "join", ...event, total: 2 },
      { t: "leave", ...event, total: 1 },
    ]);
  });

  test("stays who it was when it brings a new token", async () => {
    const house = rightsHouse(kind);
    const watcher = await house.speak({ query: "presence=1" });
    const ann = await house.speak({ user: "ann", info: 1 });
    ann.become({ user: "ann", info: 2 });
    expect(await watcher.ask({ t: "who", topic: "t" })).toMatchObject({
      ok: { members: [{ user: null }, { user: "ann", info: 1 }] },
    });
    expect(frames(watcher)).toMatchObject([{ t: "join", user: "ann" }]);
  });
});
