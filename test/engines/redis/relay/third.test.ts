import { describe, expect } from "bun:test";
import { sharedRedis } from "../../../redis-house.ts";
import { requires } from "../../../requires.ts";
import { envelope, told } from "../../../routes/relay-house.ts";
import { send, twoNodes } from "./relay-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");
const url = async () => (await redis()).url;

describe("a third peer at another node", () => {
  test("is told that the role is taken, under reject, and closed with 4409; the holder does not notice", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    await center.heard();
    const third = await house.b.join("center");
    expect(third.answer).toMatchObject({ t: "err", code: "forbidden" });
    expect(third.conn.ended?.code).toBe(4409);
    expect(await center.heard()).toEqual([]);
    expect(await local.heard()).toEqual([]);
    expect(center.conn.isOpen).toBe(true);
  });

  test("takes the role under replace, and what the holder has not acknowledged; that one gets 4590", async () => {
    await using house = await twoNodes(await url(), { third: "replace" });
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    for (const idem of ["a", "b", "c"]) center.say(send(idem));
    await house.rest();
    local.say({ t: "ack", upto: 1 });
    await center.heard();
    const third = await house.a.join("local");
    expect(local.conn.ended).toMatchObject({ code: 4590 });
    expect(third.answer).toMatchObject({ queued: 2 });
    expect(await third.heard()).toEqual(['data 2 "b"', 'data 3 "c"']);
    expect(await center.heard()).toEqual(["local offline replaced", "local online joined"]);
    third.say({ t: "ack", upto: 3 });
    expect(await center.heard()).toEqual(["receipt 2 delivered", "receipt 3 delivered"]);
    const old = await house.b.join("local", { session: local.session });
    expect(old.answer).toMatchObject({ code: "gone" });
  });

  test("may be plain where the holder is not, and the other way round", async () => {
    await using house = await twoNodes(await url(), { third: "replace" });
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    for (const idem of ["a", "b"]) center.say(send(idem));
    await center.heard();
    const plain = house.a.openPlain();
    plain.say(envelope({ sender_type: "local" }));
    await house.rest();
    expect(local.conn.ended?.code).toBe(4590);
    expect(
      told(plain)
        .map(({ content }) => content)
        .slice(1),
    ).toEqual(["a", "b"]);
    expect(await center.heard()).toEqual([
      "local offline replaced",
      "local online joined",
      "receipt 1 delivered",
      "receipt 2 delivered",
    ]);
    const third = await house.b.join("local");
    expect(plain.ended?.code).toBe(4590);
    expect(third.answer).toMatchObject({ t: "ok", queued: 0 });
    expect(await center.heard()).toEqual(["local offline replaced", "local online joined"]);
  });

  test("waits under standby, whatever its node: first come, first seated", async () => {
    await using house = await twoNodes(await url(), { third: "standby" });
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    const [first, second] = [await house.b.join("local"), await house.a.join("local")];
    expect([first.answer, second.answer]).toEqual([undefined, undefined]);
    await center.heard();
    local.conn.leave(1006);
    expect((await first.told()).map(({ t, partner }) => `${t} ${partner}`)).toEqual(["ok online"]);
    expect(await second.told()).toEqual([]);
    expect(await center.heard()).toEqual(["local offline closed", "local online joined"]);
    center.say(send("a"));
    expect(await first.heard()).toEqual(['data 1 "a"']);
    first.say({ t: "leave" });
    expect((await second.told()).map(({ t }) => t)).toEqual(["ok"]);
    expect(await center.heard()).toEqual(["local offline left", "receipt 1 unknown", "local online joined"]);
    const late = await house.b.join("local", { session: local.session });
    expect(late.answer).toMatchObject({ code: "gone" });
  });

  test("may leave while it waits, and is passed over", async () => {
    await using house = await twoNodes(await url(), { third: "standby" });
    const local = await house.a.join("local");
    const [first, second] = [await house.b.join("local"), await house.b.join("local")];
    expect(await first.ask({ t: "leave" })).toMatchObject({ t: "ok" });
    local.say({ t: "leave" });
    expect((await second.told()).map(({ t }) => t)).toEqual(["ok"]);
    expect(first.conn.ended?.code).toBe(1000);
  });

  test("is one of 16 that may wait, over all nodes", async () => {
    await using house = await twoNodes(await url(), { third: "standby" });
    await house.a.join("local");
    for (let n = 0; n < 8; n += 1) {
      await house.a.join("local");
      await house.b.join("local");
    }
    expect((await house.b.join("local")).conn.ended?.code).toBe(4409);
  });
});

describe("grace", () => {
  test("holds the news back: one that is back at another node in time was never away", async () => {
    await using house = await twoNodes(await url(), { grace: 5_000 });
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    await center.heard();
    local.conn.leave(1006);
    await house.rest();
    await house.pass(4_000);
    await house.a.join("local", { session: local.session });
    await house.pass(9_000);
    expect(await center.heard()).toEqual([]);
  });

  test("ends: then the partner is told, once; and anybody else in the place is told as what he is", async () => {
    await using house = await twoNodes(await url(), { grace: 5_000 });
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    await center.heard();
    local.conn.leave(1006);
    await house.rest();
    await house.pass(5_100);
    expect(await center.heard()).toEqual(["local offline closed"]);
    const other = await house.a.join("local");
    expect(await center.heard()).toEqual(["local online joined"]);
    other.conn.leave(1006);
    await house.rest();
    await house.b.join("local");
    expect(await center.heard()).toEqual(["local offline closed", "local online joined"]);
  });
});
