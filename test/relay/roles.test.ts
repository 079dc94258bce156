import { describe, expect, test } from "bun:test";
import { DESERTED, envelope, heard } from "../routes/relay-house.ts";
import { v1House } from "./v1-house.ts";

const send = (idem: string) => ({ t: "send", idem, data: idem });

describe("relay: a third peer", () => {
  test("is told why and closed with 4409 under reject; the holder does not notice", () => {
    const house = v1House();
    const center = house.join("center");
    const late = house.join("center");
    expect(late.answer).toMatchObject({ t: "err", code: "forbidden" });
    expect(late.conn.ended).toMatchObject({ code: 4409, reason: "the group has a center already" });
    expect([center.conn.isOpen, center.heard()]).toEqual([true, []]);
  });

  test("takes the role under replace: the older one gets 4590, the newer what is not acknowledged", () => {
    const house = v1House({ third: "replace" });
    const [center, local] = [house.join("center"), house.join("local")];
    for (const idem of ["a", "b"]) center.say(send(idem));
    local.say({ t: "ack", upto: 1 });
    center.told();
    const next = house.join("local");
    expect(local.conn.ended).toMatchObject({ code: 4590 });
    expect(next.answer).toMatchObject({ t: "ok", queued: 1 });
    expect(next.heard()).toEqual(['data 2 "b"']);
    expect(center.heard()).toEqual(["local offline replaced", "local online joined"]);
    next.say({ t: "ack", upto: 2 });
    expect(center.heard()).toEqual(["receipt 2 delivered"]);
    expect(house.join("local", { session: local.session }).answer).toMatchObject({ code: "gone" });
  });

  test("inherits under replace from one who is away, too", () => {
    const house = v1House({ third: "replace" });
    const [center, local] = [house.join("center"), house.join("local")];
    center.say(send("a"));
    local.conn.leave(1006);
    const next = house.openPlain();
    next.say(envelope({ sender_type: "local" }));
    expect(heard(next).slice(1)).toEqual(["-: a"]);
    expect(center.heard().at(-1)).toBe("receipt 1 delivered");
  });

  test("takes a plain one's role under replace; it is closed with 4590", () => {
    const house = v1House({ third: "replace" });
    const [center, local] = [house.plain("g", "center"), house.plain("g", "local")];
    const next = house.plain("g", "local");
    expect(local.ended?.code).toBe(4590);
    center.say(envelope({ content: "x" }));
    expect(heard(next)).toEqual(["-: x"]);
    expect(house.claims.count).toBe(2);
  });

  test("waits under standby until the holder leaves; its join is answered then", () => {
    const house = v1House({ third: "standby" });
    const [center, local] = [house.join("center"), house.join("local")];
    const waiting = house.open();
    expect(waiting.ask({ t: "join", group: "g", role: "local" })).toBeUndefined();
    expect(waiting.ask(send("early"))).toMatchObject({ code: "bad_request" });
    center.say(send("a"));
    center.told();
    local.conn.leave(1006);
    expect(waiting.told()).toMatchObject([{ t: "ok", id: 1, partner: "online", queued: 0 }]);
    // The session ended with it: what it was handed is nobody's.
    expect(center.heard()).toEqual(["local offline closed", "receipt 1 unknown", "local online joined"]);
    expect(house.join("local", { session: local.session }).answer).toMatchObject({ code: "gone" });
  });

  test("plain, waits under standby: its heartbeats are answered, its messages count as absent", () => {
    const house = v1House({ third: "standby" });
    const [center, local] = [house.plain("g", "center"), house.plain("g", "local")];
    center.take();
    const waiting = house.openPlain();
    waiting.say(envelope({ sender_type: "local" }));
    waiting.say(envelope({ sender_type: "local", message_type: "heartbeat" }));
    waiting.say(envelope({ sender_type: "local", content: "not yet" }));
    expect(heard(waiting)).toEqual(["heartbeat: 心跳确认"]);
    expect(house.counters.dropped.absent).toBe(1);
    local.leave();
    expect(heard(waiting)).toEqual([expect.stringContaining("连接成功")]);
    waiting.say(envelope({ sender_type: "local", content: "now" }));
    expect(heard(center)).toEqual(["disconnect: local已断开连接", "connect: local已上线连接", "-: now"]);
  });

  test("that leaves while it stands by has both its commands answered, in their order", () => {
    const house = v1House({ third: "standby" });
    const holder = house.join("local");
    const waiting = house.open();
    waiting.ask({ t: "join", group: "g", role: "local" });
    expect(waiting.ask({ t: "leave" })).toMatchObject({ t: "ok" });
    expect(waiting.told()).toMatchObject([{ t: "err", id: 1, code: "forbidden" }]);
    expect(waiting.conn.ended).toMatchObject({ code: 1000 });
    holder.conn.leave();
    expect(house.route.stats()).toMatchObject({ peers: 0 });
  });

  test("stands by in order, at most 16, and one that leaves is skipped", () => {
    const house = v1House({ third: "standby" });
    const holder = house.join("local");
    const waiting = Array.from({ length: 16 }, () => house.join("local"));
    expect(house.join("local").conn.ended?.code).toBe(4409);
    waiting[0]?.conn.leave();
    holder.conn.leave();
    expect(waiting[1]?.told()).toMatchObject([{ t: "ok" }]);
    expect(waiting[2]?.told()).toEqual([]);
    for (const { conn } of waiting) conn.leave();
    house.clock.advance(60_000);
    expect([house.route.stats()["groups"], house.claims.count]).toEqual([0, 0]);
  });
});

describe("relay: grace", () => {
  const grace = 10_000;

  test("delays the offline notice; one who is back in time was never away", () => {
    const house = v1House({ grace });
    const [center, local] = [house.join("center"), house.join("local")];
    center.told();
    local.conn.leave(1006);
    house.clock.advance(grace - 1);
    house.join("local", { session: local.session });
    house.clock.advance(grace);
    expect(center.heard()).toEqual([]);
  });

  test("ends with the notice", () => {
    const house = v1House({ grace });
    const [center, local] = [house.plain("g", "center"), house.join("local")];
    center.take();
    local.conn.leave(4008);
    house.clock.advance(grace - 1);
    expect(heard(center)).toEqual([]);
    house.clock.advance(1);
    expect(heard(center)).toEqual(["disconnect: local已断开连接"]);
    const again = house.join("local", { session: local.session });
    expect(again.answer).toMatchObject({ partner: "online" });
    expect(heard(center)).toEqual(["connect: local已上线连接"]);
  });

  test("tells of somebody else at once, and that the first one went", () => {
    const house = v1House({ grace });
    const [center, local] = [house.join("center"), house.join("local")];
    center.told();
    local.conn.leave(1006);
    house.join("local");
    expect(center.heard()).toEqual(["local offline closed", "local online joined"]);
  });

  test("does not delay what a newcomer is told", () => {
    const house = v1House({ grace });
    const [center, local] = [house.join("center"), house.join("local")];
    local.conn.leave(1006);
    center.ask({ t: "leave" });
    const next = house.join("center");
    expect(next.answer).toMatchObject({ partner: "offline" });
    house.clock.advance(grace);
    expect(next.heard()).toEqual([]);
  });
});

describe("relay: the end of the gateway", () => {
  test("tells the sender what will never be handed over, then closes when nothing waits for it", () => {
    const house = v1House();
    const center = house.join("center");
    center.say(send("a"));
    center.conn.stall();
    center.say(send("b"));
    house.route.finish?.(center.conn, 1012, "service restart");
    expect(center.conn.isOpen).toBe(true);
    center.conn.catchUp();
    expect(center.heard()).toEqual(["receipt 1 dropped", "receipt 2 dropped"]);
    expect(center.conn.ended).toMatchObject({ code: 1012, reason: "service restart" });
    expect(house.counters).toMatchObject({ due: 2, delivered: 0, dropped: { closed: 2 } });
  });

  test("tells nobody of what a plain client said and nobody was handed, but counts it", () => {
    const house = v1House({ queue: { size: 0, bytes: 0, total: 0, ttl: 0, plain: true } });
    const center = house.plain("g", "center");
    center.say(envelope({ content: "x" }));
    house.route.finish?.(center, 1012, "service restart");
    expect([center.ended?.code, heard(center)]).toEqual([1012, []]);
    expect(house.counters).toMatchObject({ due: 1, dropped: { closed: 1 } });
    expect(house.route.stats()).toEqual(DESERTED);
  });

  test("leaves no timer of a grace behind once nobody is there to hear of its end", () => {
    const house = v1House({ grace: 100_000, session: { ttl: 1_000, max: 0 } });
    const before = house.clock.pending;
    const [center, local] = [house.join("center"), house.join("local")];
    for (const { conn } of [local, center]) conn.leave(1006);
    house.clock.advance(1_000);
    expect([house.clock.pending, house.route.stats()["groups"]]).toEqual([before, 0]);
  });

  test("leaves no timer behind", async () => {
    const house = v1House();
    const before = house.clock.pending;
    const center = house.join("center");
    center.say(send("a"));
    expect(house.clock.pending).toBe(before + 1);
    house.clock.advance(30_250);
    expect(house.clock.pending).toBe(before);
    center.say(send("b"));
    center.conn.leave(1006);
    await house.route.dispose();
    expect(house.clock.pending).toBe(0);
  });
});
