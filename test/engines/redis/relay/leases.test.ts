import { describe, expect } from "bun:test";
import { sharedRedis } from "../../../redis-house.ts";
import { requires } from "../../../requires.ts";
import { heard } from "../../../routes/relay-house.ts";
import { LEASE, send, twoNodes } from "./relay-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");
const url = async () => (await redis()).url;

describe("a node that died", () => {
  test("loses nothing of a session that goes on elsewhere, at once: no message lost, none doubled", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    for (const idem of ["a", "b", "c"]) center.say(send(idem));
    expect(await local.heard()).toEqual(['data 1 "a"', 'data 2 "b"', 'data 3 "c"']);
    local.say({ t: "ack", upto: 1 });
    local.say(send("x"));
    await house.rest();
    house.b.die();
    center.say(send("d"));
    await house.rest();
    const c = await house.node();
    const again = await c.join("local", { session: local.session, upto: 2 });
    expect(again.answer).toMatchObject({ t: "ok", session: local.session, partner: "online", queued: 2 });
    expect(await again.heard()).toEqual(['data 3 "c"', 'data 4 "d"']);
    expect(await again.ask(send("x"))).toMatchObject({ seq: 1 });
    again.say({ t: "ack", upto: 4 });
    expect((await center.heard()).filter((line) => line.startsWith("receipt"))).toEqual([
      "receipt 1 delivered",
      "receipt 2 delivered",
      "receipt 3 delivered",
      "receipt 4 delivered",
    ]);
    center.say({ t: "ack", upto: 1 });
    expect(await again.heard()).toEqual(["receipt 1 delivered"]);
  });

  test("leaves its roles free within two leases, and the partners are told once", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    const [other] = [await house.b.plain("local", "h")];
    const watcher = await house.a.plain("center", "h");
    await center.heard();
    house.b.die();
    await house.pass(LEASE / 2);
    expect(await center.heard()).toEqual([]);
    await house.pass(1.5 * LEASE);
    expect(await center.heard()).toEqual(["local offline closed"]);
    expect(heard(watcher)).toEqual(["disconnect: local已断开连接"]);
    expect(other.isOpen).toBe(true);
    await house.a.plain("local", "h");
    const c = await house.node();
    const again = await c.join("local", { session: local.session });
    expect(again.answer).toMatchObject({ t: "ok" });
    expect(await center.heard()).toEqual(["local online resumed"]);
  });

  test("has its role taken by the first who asks after its lease, before anybody has swept", async () => {
    await using house = await twoNodes(await url());
    await house.b.join("local");
    house.b.die();
    await house.pass(LEASE / 2);
    expect((await house.a.join("local")).conn.ended?.code).toBe(4409);
    await house.pass(LEASE / 2 + 1);
    expect((await house.a.join("local")).answer).toMatchObject({ t: "ok" });
  });

  test("takes its standbys with it, and those of others move up", async () => {
    await using house = await twoNodes(await url(), { third: "standby" });
    const holder = await house.a.join("local");
    await house.b.join("local");
    const c = await house.node();
    const next = await c.join("local");
    house.b.die();
    await house.pass(2 * LEASE);
    holder.say({ t: "leave" });
    expect((await next.told()).map(({ t }) => t)).toEqual(["ok"]);
  });

  test("has its holder replaced by a standby of a living node", async () => {
    await using house = await twoNodes(await url(), { third: "standby" });
    const center = await house.a.join("center");
    await house.b.join("local");
    const next = await house.a.join("local");
    await center.heard();
    house.b.die();
    await house.pass(2 * LEASE);
    expect((await next.told()).map(({ t }) => t)).toEqual(["ok"]);
    expect(await center.heard()).toEqual(["local offline closed", "local online joined"]);
  });

  test("ends a message that it was handed as unknown, once its session is over", async () => {
    await using house = await twoNodes(await url(), { session: { ttl: 20_000, max: 0 } });
    const [center] = [await house.a.join("center"), await house.b.join("local")];
    center.say(send("a"));
    await center.heard();
    house.b.die();
    await house.pass(2 * LEASE + 21_000);
    expect(await center.heard()).toEqual(["local offline closed", "receipt 1 unknown"]);
  });
});

describe("a node that stood still and comes back", () => {
  test("serves nothing that it no longer owns: its peers are closed with 1012, and what they say is not taken", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    await center.heard();
    house.b.freeze();
    await house.pass(2 * LEASE);
    expect(await center.heard()).toEqual(["local offline closed"]);
    const c = await house.node();
    const other = await c.join("local");
    center.say(send("for the other"));
    await house.rest();
    house.b.thaw();
    local.say(send("too late"));
    expect(await other.heard()).toEqual(['data 1 "for the other"']);
    expect(await local.heard()).toEqual([]);
    expect(local.conn.ended).toMatchObject({ code: 1012 });
    expect(await center.heard()).toEqual(["local online joined"]);
    other.say(send("mine"));
    expect(await center.heard()).toEqual(['data 1 "mine"']);
  });

  test("hands nobody what it was told meanwhile, when somebody else has the role", async () => {
    await using house = await twoNodes(await url());
    const [center, plain] = [await house.a.join("center"), await house.b.plain("local")];
    house.b.freeze();
    center.say(send("a"));
    await house.pass(2 * LEASE);
    expect(await center.heard()).toEqual([
      "local online joined",
      "local offline closed",
      "receipt 1 unknown",
    ]);
    house.b.thaw();
    await house.rest();
    await house.pass(1_000);
    expect(plain.take()).toEqual([]);
    expect(plain.ended).toMatchObject({ code: 1012 });
  });

  test("goes on where it was when nobody has given it up, and misses nothing", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    await center.heard();
    house.b.freeze();
    for (const idem of ["a", "b"]) center.say(send(idem));
    await house.pass(LEASE / 2);
    house.b.thaw();
    expect(await local.heard()).toEqual(['data 1 "a"', 'data 2 "b"']);
    local.say({ t: "ack", upto: 2 });
    expect(await center.heard()).toEqual(["receipt 1 delivered", "receipt 2 delivered"]);
  });
});
