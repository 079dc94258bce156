import { describe, expect } from "bun:test";
import { eventually } from "../calm.ts";
import { LEASE, send, twoNodes } from "../engines/redis/relay/relay-house.ts";
import { sharedRedis } from "../redis-house.ts";
import { requires } from "../requires.ts";
import { envelope, heard } from "../routes/relay-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");
const url = async () => (await redis()).url;

describe("Redis away", () => {
  test("join, send and ack are answered with engine_down, and connections stay; then all goes on", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    center.say(send("a"));
    expect(await local.heard()).toEqual(['data 1 "a"']);
    await house.b.cut();
    expect(await local.ask(send("x"))).toMatchObject({ t: "err", code: "engine_down" });
    expect(await local.ask({ t: "ack", upto: 1 })).toMatchObject({ t: "err", code: "engine_down" });
    const other = house.b.open();
    const join = { t: "join", group: "h", role: "local" };
    expect(await other.ask(join)).toMatchObject({ t: "err", code: "engine_down" });
    center.say(send("b"));
    await center.heard();
    expect([local.conn.isOpen, other.conn.isOpen]).toEqual([true, true]);
    await house.b.mend();
    // What it had taken it has taken: the ack is said again by its node.
    expect(await center.heard()).toEqual(["receipt 1 delivered"]);
    expect(await local.heard()).toEqual(['data 2 "b"']);
    expect(await local.ask(send("x"))).toMatchObject({ t: "ok", seq: 1 });
    expect(await other.ask(join)).toMatchObject({ t: "ok" });
  });

  test("a send that may have been done is answered when Redis is back, and is done once", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    await center.heard();
    house.a.holdAnswers();
    center.say(send("a", { id: 7 }));
    await eventually("it came", () => local.conn.sent.length > 0);
    expect(await local.heard()).toEqual(['data 1 "a"']);
    await house.a.cut();
    expect(await center.told()).toEqual([]);
    local.say({ t: "ack", upto: 1 });
    await house.a.mend();
    expect((await center.told()).map(({ t, seq }) => `${t} ${seq}`)).toEqual(["ok 1", "receipt 1"]);
    expect(await local.heard()).toEqual([]);
  });

  test("slow: who says more than it takes is not read from, and loses nothing", async () => {
    await using house = await twoNodes(await url(), {
      queue: { size: 0, bytes: 0, total: 0, ttl: 0, plain: false },
    });
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    await center.heard();
    house.a.freeze();
    for (let n = 1; n <= 20; n += 1) center.say(send(`${n}`, { id: n + 10, data: "x".repeat(300_000) }));
    expect(center.conn.isPaused).toBe(true);
    house.a.thaw();
    const seqs = (await center.told()).filter(({ t }) => t === "ok").map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    expect(center.conn.isPaused).toBe(false);
    expect((await local.told()).map(({ seq }) => seq)).toEqual(seqs);
  });

  test("answers a plain client's first message with 1013, counts its others as refused, and confirms nothing", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.plain("center"), await house.b.plain("local")];
    center.take();
    await house.a.cut();
    center.say(envelope({ content: "lost" }));
    const late = house.a.openPlain();
    late.say(envelope({ group_id: "h" }));
    await house.rest();
    expect(late.ended).toMatchObject({ code: 1013 });
    expect(center.isOpen).toBe(true);
    expect(house.tally().dropped.refused).toBe(1);
    await house.a.mend();
    center.say(envelope({ content: "again" }));
    await house.rest();
    expect(heard(center)).toEqual(["-: 消息已发送"]);
    expect(heard(local)).toEqual(["-: again"]);
  });

  test("a peer that left before its node could ask has no role", async () => {
    await using house = await twoNodes(await url());
    const local = house.b.open();
    local.say({ t: "join", group: "g", role: "local" });
    local.conn.leave(1006);
    await house.rest();
    const center = await house.a.join("center");
    expect(center.answer).toMatchObject({ partner: "offline" });
    expect((await house.a.join("local")).answer).toMatchObject({ t: "ok" });
  });

  test("a peer that left meanwhile is gone once Redis is back, and one that joined in vain has no role", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    await center.heard();
    await house.b.cut();
    local.conn.leave(1006);
    await house.rest();
    await house.b.mend();
    expect(await center.heard()).toEqual(["local offline closed"]);
    expect((await house.a.join("local")).answer).toMatchObject({ t: "ok" });
  });

  test("for longer than a lease ends nobody: those who live renew first", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    await center.heard();
    await house.a.cut();
    await house.b.cut();
    await house.pass(5 * LEASE);
    await house.a.mend();
    await house.pass(LEASE / 2);
    await house.b.mend();
    await house.pass(LEASE);
    expect([await center.heard(), await local.heard()]).toEqual([[], []]);
    center.say(send("a"));
    expect(await local.heard()).toEqual(['data 1 "a"']);
  });

  test("with all that it held ends every seat: peers are closed with 1012, and sessions are gone", async () => {
    const { flush, url } = await redis();
    await using house = await twoNodes(url);
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    await center.heard();
    await flush();
    await house.pass(LEASE);
    expect([center.conn.ended?.code, local.conn.ended?.code]).toEqual([1012, 1012]);
    expect((await house.a.join("center", { session: center.session })).answer).toMatchObject({
      code: "gone",
    });
    expect((await house.a.join("center")).answer).toMatchObject({ t: "ok", partner: "offline" });
  });
});

describe("what a node was told and did not hear", () => {
  test("is looked for at once when the next thing comes, and within a lease when nothing does", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    await center.heard();
    house.b.loseTold(1);
    center.say(send("lost"));
    expect(await local.heard()).toEqual([]);
    center.say(send("next"));
    expect(await local.heard()).toEqual(['data 1 "lost"', 'data 2 "next"']);
    house.b.loseTold(1);
    center.say(send("last"));
    await house.pass(LEASE);
    expect(await local.heard()).toEqual(['data 3 "last"']);
    house.a.loseTold(2);
    local.say({ t: "ack", upto: 3 });
    local.conn.leave(1006);
    await house.pass(LEASE);
    expect(await center.heard()).toEqual([
      "local offline closed",
      "receipt 1 delivered",
      "receipt 2 delivered",
      "receipt 3 delivered",
    ]);
  });

  test("is found by a standby whose turn it was", async () => {
    await using house = await twoNodes(await url(), { third: "standby" });
    const holder = await house.a.join("local");
    const next = await house.b.join("local");
    house.b.loseTold(1);
    holder.say({ t: "leave" });
    expect(await next.told()).toEqual([]);
    await house.pass(LEASE);
    expect((await next.told()).map(({ t }) => t)).toEqual(["ok"]);
  });
});

test("a peer whose connection throws harms nobody else, and is reported", async () => {
  await using house = await twoNodes(await url());
  const [center, local] = [await house.a.join("center"), await house.b.join("local")];
  const [other, third] = [
    await house.a.join("center", { group: "h" }),
    await house.b.join("local", { group: "h" }),
  ];
  await other.heard();
  const fault = new Error("this connection is broken");
  local.conn.send = () => {
    throw fault;
  };
  center.say(send("a"));
  other.say(send("b"));
  expect(await third.heard()).toEqual(['data 1 "b"']);
  expect(house.faults.splice(0)).toEqual([fault]);
});
