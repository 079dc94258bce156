import { describe, expect, test } from "bun:test";
import { MESSAGE_BYTES } from "../../src/relay/mailbox.ts";
import { v1House } from "./v1-house.ts";

const send = (idem: string, more = {}) => ({ t: "send", idem, data: idem, ...more });

describe("relay v1: two peers", () => {
  test("are told of each other, with what they said about themselves", () => {
    const house = v1House();
    const center = house.join("center", { info: { name: "pump" } });
    expect(center.answer).toMatchObject({ t: "ok", partner: "offline", queued: 0 });
    expect(center.session).toMatch(/^[\w-]{22}$/);
    const local = house.join("local");
    expect(local.answer).toMatchObject({ partner: "online", info: { name: "pump" } });
    expect(center.told()).toEqual([{ t: "peer", role: "local", state: "online", reason: "joined" }]);
    expect(local.ask({ t: "leave" })).toMatchObject({ t: "ok" });
    expect(center.heard()).toEqual(["local offline left"]);
  });

  test("exchange messages: ok, data, and a receipt when it was acknowledged", () => {
    const house = v1House();
    const [center, local] = [house.join("center"), house.join("local")];
    center.told();
    expect(center.ask(send("a", { data: { n: 1 } }))).toMatchObject({ t: "ok", seq: 1, state: "queued" });
    expect(local.told()).toEqual([{ t: "data", seq: 1, from: "center", data: { n: 1 } }]);
    expect(center.heard()).toEqual([]);
    center.say(send("b"));
    local.say({ t: "ack", upto: 2 });
    expect(local.heard()).toEqual(['data 2 "b"']);
    expect(center.heard()).toEqual(["receipt 1 delivered", "receipt 2 delivered"]);
    expect(house.counters).toMatchObject({ due: 2, delivered: 2 });
  });

  test("count their messages each on their own", () => {
    const house = v1House();
    const [center, local] = [house.join("center"), house.join("local")];
    expect(center.ask(send("a"))?.["seq"]).toBe(1);
    expect(center.ask(send("b"))?.["seq"]).toBe(2);
    expect(local.ask(send("a"))?.["seq"]).toBe(1);
  });

  test("send binary too, behind its header", () => {
    const house = v1House();
    const [center, local] = [house.join("center"), house.join("local")];
    const header = '{"t":"send","id":9,"idem":"a"}';
    const frame = Buffer.concat([Buffer.from([0, header.length]), Buffer.from(header), Buffer.from([1, 2])]);
    center.conn.say(frame);
    expect(local.told()).toEqual([{ t: "data", seq: 1, from: "center", bytes: [1, 2] }]);
  });
});

describe("relay v1: an absent partner", () => {
  test("gets what waited when it comes, and is told how many", () => {
    const house = v1House();
    const center = house.join("center");
    center.say(send("a"));
    center.say(send("b"));
    expect(house.route.stats()).toMatchObject({ queued: 2 });
    const local = house.join("local");
    expect(local.answer).toMatchObject({ queued: 2 });
    expect(local.heard()).toEqual(['data 1 "a"', 'data 2 "b"']);
    local.say({ t: "ack", upto: 1 });
    expect(center.heard()).toEqual(["local online joined", "receipt 1 delivered"]);
  });

  test("does not get what waited longer than its ttl; the sender is told, late by at most 250 ms", () => {
    const house = v1House({ queue: { size: 256, bytes: 0, total: 0, ttl: 30_000, plain: false } });
    const center = house.join("center");
    center.say(send("short", { ttl: 1_000 }));
    center.say(send("long", { ttl: 90_000 }));
    house.clock.advance(999);
    expect(center.heard()).toEqual([]);
    house.clock.advance(251);
    expect(center.heard()).toEqual(["receipt 1 expired"]);
    house.clock.advance(28_750 + 250);
    expect(center.heard()).toEqual(["receipt 2 expired"]);
    expect(house.join("local").heard()).toEqual([]);
    expect(house.counters).toMatchObject({ due: 2, delivered: 0, dropped: { expired: 2 } });
  });

  test("does not get what came when the queue was full: the newest is dropped, and its sender told", () => {
    const house = v1House({ queue: { size: 2, bytes: 0, total: 0, ttl: 0, plain: false } });
    const center = house.join("center");
    for (const idem of ["a", "b", "c"]) center.say(send(idem));
    expect(center.heard()).toEqual(["receipt 3 dropped"]);
    expect(house.join("local").heard()).toEqual(['data 1 "a"', 'data 2 "b"']);
    expect(house.counters.dropped.full).toBe(1);
  });

  test.each([
    ["bytes", 200],
    ["total", 200 + MESSAGE_BYTES],
  ] as const)("finds the queue full by its %s too", (bound, bytes) => {
    const queue = { size: 0, bytes: 0, total: 0, ttl: 0, plain: false };
    const house = v1House({ queue: { ...queue, [bound]: bytes } });
    const center = house.join("center");
    center.say(send("a", { data: "x".repeat(100) }));
    center.say(send("b", { data: "x".repeat(100) }));
    expect(center.heard()).toEqual(["receipt 2 dropped"]);
  });
});

describe("relay v1: a session", () => {
  test("goes on after a lost connection: what was not acknowledged comes again, what waited follows", () => {
    const house = v1House();
    const [center, local] = [house.join("center"), house.join("local")];
    for (const idem of ["a", "b", "c"]) center.say(send(idem));
    local.say({ t: "ack", upto: 1 });
    local.conn.leave(1006);
    center.say(send("d"));
    center.told();
    const again = house.join("local", { session: local.session, upto: 2 });
    expect(again.answer).toMatchObject({ session: local.session, queued: 2 });
    expect(again.heard()).toEqual(['data 3 "c"', 'data 4 "d"']);
    expect(center.heard()).toEqual(["receipt 2 delivered", "local online resumed"]);
  });

  test("takes the place of its own older connection at once, which is closed with 4590 and not told of", () => {
    const house = v1House();
    const [center, local] = [house.join("center"), house.join("local")];
    center.told();
    const again = house.join("local", { session: local.session });
    expect(local.conn.ended?.code).toBe(4590);
    expect(center.heard()).toEqual([]);
    center.say(send("a"));
    expect(again.heard()).toEqual(['data 1 "a"']);
  });

  test("answers what is sent again with the same seq, and with its receipt if there is one", () => {
    const house = v1House();
    const [center, local] = [house.join("center"), house.join("local")];
    center.say(send("a"));
    center.say(send("b"));
    local.say({ t: "ack", upto: 1 });
    center.conn.leave(1006);
    const again = house.join("center", { session: center.session });
    expect(again.ask(send("a"))).toMatchObject({ seq: 1 });
    expect(again.ask(send("b"))).toMatchObject({ seq: 2 });
    expect(again.heard()).toEqual(["receipt 1 delivered"]);
    local.say({ t: "ack", upto: 2 });
    expect(again.heard()).toEqual(["receipt 2 delivered"]);
    expect(local.heard().filter((line) => line.startsWith("data"))).toEqual(['data 1 "a"', 'data 2 "b"']);
  });

  test("ends when it stays away: what it was handed is unknown, and never handed over again", () => {
    const house = v1House({ session: { ttl: 60_000, max: 0 } });
    const [center, local] = [house.join("center"), house.join("local")];
    center.say(send("a"));
    local.conn.leave(1006);
    center.say(send("b", { ttl: 90_000 }));
    center.told();
    house.clock.advance(29_000);
    center.say(send("c"));
    house.clock.advance(31_000);
    expect(center.heard()).toEqual(["receipt 2 expired", "receipt 3 expired", "receipt 1 unknown"]);
    expect(house.open().ask({ t: "join", group: "g", role: "local", session: local.session })).toMatchObject({
      t: "err",
      code: "gone",
    });
  });

  test("ends when another one takes its place: the newcomer gets what waited, not what was handed over", () => {
    const house = v1House();
    const [center, local] = [house.join("center"), house.join("local")];
    center.say(send("a"));
    local.conn.leave(1006);
    center.say(send("b"));
    center.told();
    const other = house.join("local");
    expect(other.heard()).toEqual(['data 2 "b"']);
    expect(center.heard()).toEqual(["receipt 1 unknown", "local online joined"]);
    const late = house.open();
    const join = { t: "join", group: "g", role: "local", session: local.session };
    expect(late.ask(join)).toMatchObject({ code: "gone" });
    expect(late.ask({ t: "join", group: "other", role: "local" })).toMatchObject({ t: "ok" });
  });

  test("ends when its client leaves, at once", () => {
    const house = v1House();
    const [center, local] = [house.join("center"), house.join("local")];
    center.say(send("a"));
    center.told();
    local.say({ t: "leave" });
    expect(center.heard()).toEqual(["local offline left", "receipt 1 unknown"]);
    expect(house.join("local", { session: local.session }).answer).toMatchObject({ code: "gone" });
    center.say({ t: "leave" });
    expect(house.route.stats()).toMatchObject({ groups: 0, peers: 0, unregistered: 1, away: 0 });
  });

  test("is of its user, its group and its role only", () => {
    const house = v1House();
    const local = house.join("local", {}, "alice");
    local.conn.leave(1006);
    const { session } = local;
    const gone = { t: "err", code: "gone" };
    expect(house.join("local", { session }, "bob").answer).toMatchObject(gone);
    expect(house.join("local", { session }).answer).toMatchObject(gone);
    expect(house.join("center", { session }, "alice").answer).toMatchObject(gone);
    expect(house.join("local", { session, group: "h" }, "alice").answer).toMatchObject(gone);
    expect(house.join("local", { session }, "alice").answer).toMatchObject({ t: "ok", session });
  });

  test("ends the one that was away longest when more than max are", () => {
    const house = v1House({ session: { ttl: 0, max: 2 } });
    const left = ["a", "b", "c"].map((group) => {
      const peer = house.join("local", { group });
      peer.conn.leave(1006);
      return { group, session: peer.session };
    });
    expect(house.route.stats()).toMatchObject({ away: 2 });
    expect(left.map((more) => house.join("local", more).answer?.["t"])).toEqual(["err", "ok", "ok"]);
  });

  test("keeps 1,024 receipts and accepts no more until some are released", () => {
    const house = v1House({ queue: { size: 0, bytes: 0, total: 0, ttl: 0, plain: false } });
    const [center, local] = [house.join("center"), house.join("local")];
    for (let i = 1; i <= 1_024; i += 1) center.say(send(`m${i}`));
    expect(center.ask(send("more"))).toMatchObject({ t: "err", code: "too_many" });
    expect(center.ask(send("more", { done: 1_024 }))).toMatchObject({ code: "too_many" });
    local.say({ t: "ack", upto: 10 });
    expect(center.ask(send("more", { done: 10 }))).toMatchObject({ t: "ok", seq: 1_025 });
    expect(house.counters.due).toBe(1_025);
  });
});

describe("relay v1: commands that do not fit", () => {
  test("are refused before a join, and so is a second join; leaving ends the connection", () => {
    const house = v1House();
    const peer = house.open();
    const join = { t: "join", group: "g", role: "local" };
    for (const command of [send("a"), { t: "ack", upto: 0 }, { t: "leave" }]) {
      expect(peer.ask(command)).toMatchObject({ t: "err", code: "bad_request" });
    }
    expect(peer.ask(join)).toMatchObject({ t: "ok" });
    expect(peer.ask(join)).toMatchObject({ code: "bad_request" });
    expect(peer.ask({ t: "leave" })).toMatchObject({ t: "ok" });
    expect(peer.conn.ended).toMatchObject({ code: 1000 });
  });

  test("include those of rooms and feeds", () => {
    const peer = v1House().join("center");
    expect(peer.ask({ t: "sub", topic: "x" })).toMatchObject({ t: "err", code: "unknown_command" });
  });

  test("include an ack of what was never handed over; an older one changes nothing", () => {
    const house = v1House();
    const [center, local] = [house.join("center"), house.join("local")];
    center.say(send("a"));
    expect(local.ask({ t: "ack", upto: 2 })).toMatchObject({ t: "err", code: "bad_request" });
    expect(local.ask({ t: "ack", upto: 1 })).toMatchObject({ t: "ok" });
    expect(local.ask({ t: "ack", upto: 0 })).toMatchObject({ t: "ok" });
    local.conn.leave(1006);
    const forged = house.join("local", { session: local.session, upto: 7 });
    expect(forged.answer).toMatchObject({ code: "bad_request" });
    expect(house.join("local", { session: local.session }).answer).toMatchObject({ t: "ok" });
  });
});
