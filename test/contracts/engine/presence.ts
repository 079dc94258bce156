/** The part of the engine suite about presence: one entry per connection, pages in one order, each change told once. */
import { expect } from "bun:test";
import type { Presence, PresenceChange } from "../../../src/engine.ts";
import type { EngineTest } from "./harness.ts";

const who = (conn: string) => ({ conn, user: null, info: null });
const all = { limit: 1000 };

const conns = async (presence: Presence, topic: string) =>
  (await presence.list(topic, all)).members.map(({ conn }) => conn);

/** Changes as `+a 1`: who joined or left, and how many there are then. */
const told = ({ kind, member, total }: PresenceChange) =>
  `${kind === "join" ? "+" : "-"}${member.conn} ${total}`;

function listen(presence: Presence, topic: string) {
  const changes: string[] = [];
  const { close } = presence.watch(topic, (change) => changes.push(told(change)));
  return { changes, close };
}

export function presenceContract(it: EngineTest): void {
  it("lists who is there, with who it is, the time of the join and what it told", async ({
    engine,
    clock,
  }) => {
    const { presence } = engine;
    const start = clock.wall();
    const alice = { conn: "a", user: "alice", info: { mood: ["good"] } };
    presence.join("t", alice, 0);
    clock.advance(5);
    presence.join("t", who("b"), 0);
    expect(await presence.list("t", all)).toEqual({
      members: [
        { ...alice, since: start },
        { ...who("b"), since: start + 5 },
      ],
      total: 2,
      complete: true,
    });
    expect(await presence.list("u", all)).toEqual({ members: [], total: 0, complete: true });
  });

  it("lists in the order in which a node counts its connections, whoever joined first", async ({
    engine,
  }) => {
    for (const conn of ["n-10", "n-z", "n-2", "n-11", "n-1"]) engine.presence.join("t", who(conn), 0);
    expect(await conns(engine.presence, "t")).toEqual(["n-1", "n-2", "n-z", "n-10", "n-11"]);
  });

  it("answers page by page, each member once, also if the last of a page has left since", async ({
    engine,
  }) => {
    const { presence } = engine;
    for (let n = 0; n < 25; n++) presence.join("t", who(`n-${n.toString(36)}`), 0);
    const seen: string[] = [];
    for (let complete = false; !complete; ) {
      const page = await presence.list("t", { after: seen.at(-1), limit: 10 });
      seen.push(...page.members.map(({ conn }) => conn));
      complete = page.complete;
      presence.leave("t", seen.at(-1) ?? "");
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => `n-${n.toString(36)}`));
  });

  it("answers the total alone for limit 0, and says that more follow", async ({ engine }) => {
    engine.presence.join("t", who("a"), 0);
    expect(await engine.presence.list("t", { limit: 0 })).toEqual({ members: [], total: 1, complete: false });
    expect(await engine.presence.list("t", { after: "a", limit: 0 })).toMatchObject({ complete: true });
  });

  it("forgets who left, and lets one leave who never joined", async ({ engine }) => {
    const { presence } = engine;
    presence.leave("t", "nobody");
    for (const conn of ["a", "b"]) presence.join("t", who(conn), 0);
    presence.leave("t", "a");
    presence.leave("t", "nobody");
    expect(await conns(presence, "t")).toEqual(["b"]);
  });

  it("drops a member whose lease ran out, and keeps one who joined again in time", async ({
    engine,
    clock,
  }) => {
    const { presence } = engine;
    const start = clock.wall();
    for (const conn of ["a", "b", "c"]) presence.join("t", who(conn), conn === "c" ? 0 : 100);
    clock.advance(99);
    presence.join("t", who("b"), 100);
    clock.advance(1);
    const { members, total } = await presence.list("t", all);
    expect(members.map(({ conn, since }) => [conn, since])).toEqual([
      ["b", start],
      ["c", start],
    ]);
    expect(total).toBe(2);
  });

  it("tells each join and leave once, with how many are there, and nothing for a lease renewed", async ({
    engine,
  }) => {
    const { presence } = engine;
    presence.join("t", who("before"), 0);
    const { changes } = listen(presence, "t");
    presence.join("t", who("a"), 100);
    presence.join("t", who("a"), 100);
    presence.join("u", who("elsewhere"), 0);
    presence.leave("t", "a");
    presence.leave("t", "a");
    await presence.list("t", all);
    expect(changes).toEqual(["+a 2", "-a 1"]);
  });

  it("tells the leave of one whose lease ran out within ten seconds, without a call", async ({
    engine,
    clock,
  }) => {
    const { changes } = listen(engine.presence, "t");
    engine.presence.join("t", who("a"), 100);
    engine.presence.join("t", who("b"), 0);
    clock.advance(10_100);
    await engine.presence.list("u", all);
    expect(changes).toEqual(["+a 1", "+b 2", "-a 1"]);
  });

  it("counts a join after the lease ran out as a new one, and tells the leave before it", async ({
    engine,
    clock,
  }) => {
    const { presence } = engine;
    const { changes } = listen(presence, "t");
    presence.join("t", who("a"), 100);
    clock.advance(100);
    presence.join("t", who("a"), 100);
    const { members } = await presence.list("t", all);
    expect(members.map(({ since }) => since)).toEqual([clock.wall()]);
    expect(changes).toEqual(["+a 1", "-a 0", "+a 1"]);
  });

  it("tells nothing more to one who closed, also not the change under way", async ({ engine }) => {
    const { presence } = engine;
    const closing: (() => void)[] = [];
    let told = 0;
    for (let n = 0; n < 2; n++) {
      const { close } = presence.watch("t", () => {
        told += 1;
        for (const close of closing) close();
      });
      closing.push(close);
    }
    const { changes } = listen(presence, "t");
    presence.join("t", who("a"), 0);
    presence.leave("t", "a");
    await presence.list("t", all);
    expect([told, changes]).toEqual([1, ["+a 1", "-a 0"]]);
  });

  it("tells what a callback changes after the change under way, in one order, and goes on after one that throws", async ({
    engine,
  }) => {
    const { presence } = engine;
    presence.watch("t", ({ kind, member }) => {
      if (kind === "join" && member.conn === "a") presence.join("t", who("b"), 0);
      throw new Error("broken watcher");
    });
    const { changes } = listen(presence, "t");
    presence.join("t", who("a"), 0);
    await presence.list("t", all);
    expect(changes).toEqual(["+a 1", "+b 2"]);
  });

  it("rejects list after close, tells nobody, and takes joins and leaves without effect", async ({
    engine,
  }) => {
    const { changes } = listen(engine.presence, "t");
    await engine.close();
    listen(engine.presence, "t").close();
    engine.presence.join("t", who("a"), 0);
    engine.presence.leave("t", "a");
    await expect(engine.presence.list("t", all)).rejects.toMatchObject({ code: "ENGINE_DOWN" });
    expect(changes).toEqual([]);
  });
}
