import { describe, expect } from "bun:test";
import { sharedRedis } from "../../../redis-house.ts";
import { requires } from "../../../requires.ts";
import { send, twoNodes } from "./relay-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");
const url = async () => (await redis()).url;
const QUEUE = { size: 0, bytes: 0, total: 0, ttl: 0, plain: false };

describe("a session goes on at another node", () => {
  test("what was not acknowledged comes again, what waited follows", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    for (const idem of ["a", "b", "c"]) center.say(send(idem));
    await house.rest();
    local.say({ t: "ack", upto: 1 });
    await house.rest();
    local.conn.leave(1006);
    await house.rest();
    center.say(send("d"));
    await center.told();
    const again = await house.a.join("local", { session: local.session, upto: 2 });
    expect(again.answer).toMatchObject({ session: local.session, queued: 2 });
    expect(await again.heard()).toEqual(['data 3 "c"', 'data 4 "d"']);
    expect(await center.heard()).toEqual(["receipt 2 delivered", "local online resumed"]);
  });

  test("at once, though the older connection is still open: that one is closed with 4590 and not told of", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    await center.told();
    const again = await house.a.join("local", { session: local.session });
    expect(local.conn.ended?.code).toBe(4590);
    expect(await center.heard()).toEqual([]);
    center.say(send("a"));
    expect(await again.heard()).toEqual(['data 1 "a"']);
    expect(await house.a.join("local", { session: local.session })).toMatchObject({
      answer: { t: "ok", partner: "online" },
    });
  });

  test("what is sent again has the same seq, and its receipt if there is one", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    center.say(send("a"));
    center.say(send("b"));
    await house.rest();
    local.say({ t: "ack", upto: 1 });
    await house.rest();
    center.conn.leave(1006);
    await house.rest();
    const again = await house.b.join("center", { session: center.session });
    expect(await again.ask(send("a"))).toMatchObject({ seq: 1 });
    expect(await again.ask(send("b"))).toMatchObject({ seq: 2 });
    expect(await again.heard()).toEqual(["receipt 1 delivered"]);
    local.say({ t: "ack", upto: 2 });
    expect(await again.heard()).toEqual(["receipt 2 delivered"]);
    const data = (await local.heard()).filter((line) => line.startsWith("data"));
    expect(data).toEqual(['data 1 "a"', 'data 2 "b"']);
  });
});

describe("a session ends", () => {
  test("when it stays away: what it was handed is unknown, and never handed over again", async () => {
    await using house = await twoNodes(await url(), { session: { ttl: 60_000, max: 0 } });
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    center.say(send("a"));
    await house.rest();
    local.conn.leave(1006);
    await house.rest();
    center.say(send("b", { ttl: 90_000 }));
    await center.told();
    await house.pass(29_000);
    center.say(send("c"));
    await house.rest();
    await house.pass(32_000);
    expect(await center.heard()).toEqual(["receipt 2 expired", "receipt 3 expired", "receipt 1 unknown"]);
    const late = await house.a.join("local", { session: local.session });
    expect(late.answer).toMatchObject({ t: "err", code: "gone" });
  });

  test("when another one takes its place: the newcomer gets what waited, not what was handed over", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    center.say(send("a"));
    await house.rest();
    local.conn.leave(1006);
    await house.rest();
    center.say(send("b"));
    await center.told();
    const other = await house.a.join("local");
    expect(await other.heard()).toEqual(['data 2 "b"']);
    expect(await center.heard()).toEqual(["receipt 1 unknown", "local online joined"]);
    const late = house.b.open();
    const join = { t: "join", group: "g", role: "local", session: local.session };
    expect(await late.ask(join)).toMatchObject({ code: "gone" });
    expect(await late.ask({ t: "join", group: "other", role: "local" })).toMatchObject({ t: "ok" });
  });

  test("when its client leaves, and nothing of the group is kept", async () => {
    const { command, url } = await redis();
    await using house = await twoNodes(url);
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    center.say(send("a"));
    await center.told();
    local.say({ t: "leave" });
    expect(await center.heard()).toEqual(["local offline left", "receipt 1 unknown"]);
    const late = await house.b.join("local", { session: local.session });
    expect(late.answer).toMatchObject({ code: "gone" });
    center.say({ t: "leave" });
    await house.rest();
    const keys = (await command("KEYS", "*")) as string[];
    expect(keys.filter((key) => key.endsWith(":g"))).toEqual([]);
  });

  test("with its receipts: whoever comes after it hears nothing of what it sent", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    center.say(send("a"));
    center.say({ t: "leave" });
    await house.rest();
    const other = await house.b.join("center");
    local.say({ t: "ack", upto: 1 });
    expect(await other.heard()).toEqual([]);
    expect(await other.ask(send("a"))).toMatchObject({ t: "ok", seq: 2 });
    expect(await other.heard()).toEqual([]);
  });

  test("for nobody but its user, in its group and role", async () => {
    await using house = await twoNodes(await url());
    const local = await house.a.join("local", {}, "alice");
    local.conn.leave(1006);
    await house.rest();
    const { session } = local;
    const gone = { t: "err", code: "gone" };
    const join = async (...args: Parameters<typeof house.b.join>) => (await house.b.join(...args)).answer;
    expect(await join("local", { session }, "bob")).toMatchObject(gone);
    expect(await join("local", { session })).toMatchObject(gone);
    expect(await join("center", { session }, "alice")).toMatchObject(gone);
    expect(await join("local", { session, group: "h" }, "alice")).toMatchObject(gone);
    expect(await join("local", { session }, "alice")).toMatchObject({ t: "ok", session });
  });

  test("when more than max are away, wherever they were: that of whoever left the most, the oldest first", async () => {
    await using house = await twoNodes(await url(), { session: { ttl: 0, max: 2 } });
    const left: { group: string; session: string }[] = [];
    for (const [group, node] of [
      ["a", house.a],
      ["b", house.b],
      ["c", house.a],
    ] as const) {
      const peer = await node.join("local", { group });
      peer.conn.leave(1006);
      await house.rest();
      await house.pass(1);
      left.push({ group, session: peer.session });
    }
    const answers = [];
    for (const more of left) answers.push((await house.b.join("local", more)).answer?.["t"]);
    expect(answers).toEqual(["err", "ok", "ok"]);
  });

  test("never because it has sent too much: 1,024 receipts are kept, and no more is accepted until some are released", async () => {
    await using house = await twoNodes(await url(), { queue: QUEUE });
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    for (let i = 1; i <= 1_024; i += 1) center.say(send(`m${i}`));
    expect(await center.ask(send("more"))).toMatchObject({ t: "err", code: "too_many" });
    expect(await center.ask(send("more", { done: 1_024 }))).toMatchObject({ code: "too_many" });
    local.say({ t: "ack", upto: 10 });
    await house.rest();
    expect(await center.ask(send("more", { done: 10 }))).toMatchObject({ t: "ok", seq: 1_025 });
    expect(house.tally().due).toBe(1_025);
  });
});

describe("commands that do not fit", () => {
  test("are refused before a join, and so is a second join; leaving ends the connection", async () => {
    await using house = await twoNodes(await url());
    const peer = house.a.open();
    const join = { t: "join", group: "g", role: "local" };
    for (const command of [send("a"), { t: "ack", upto: 0 }, { t: "leave" }])
      expect(await peer.ask(command)).toMatchObject({ t: "err", code: "bad_request" });
    expect(await peer.ask(join)).toMatchObject({ t: "ok" });
    expect(await peer.ask(join)).toMatchObject({ code: "bad_request" });
    expect(await peer.ask({ t: "leave" })).toMatchObject({ t: "ok" });
    expect(peer.conn.ended).toMatchObject({ code: 1000 });
  });

  test("include an ack of what was never handed over; an older one changes nothing", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    center.say(send("a"));
    expect(await local.ask({ t: "ack", upto: 2 })).toMatchObject({ t: "err", code: "bad_request" });
    expect(await local.ask({ t: "ack", upto: 1 })).toMatchObject({ t: "ok" });
    expect(await local.ask({ t: "ack", upto: 0 })).toMatchObject({ t: "ok" });
    local.conn.leave(1006);
    await house.rest();
    const forged = await house.a.join("local", { session: local.session, upto: 7 });
    expect(forged.answer).toMatchObject({ code: "bad_request" });
    expect((await house.a.join("local", { session: local.session })).answer).toMatchObject({ t: "ok" });
  });
});

test("what belongs to no node is told by one of them: groups, sessions that are away, messages that wait", async () => {
  await using house = await twoNodes(await url());
  const [center, local] = [await house.a.join("center"), await house.b.join("local")];
  await house.b.join("center", { group: "h" });
  local.conn.leave(1006);
  await house.rest();
  center.say(send("a"));
  center.say(send("b"));
  await house.pass(4_000);
  const [a, b] = [house.a.route.stats(), house.b.route.stats()];
  const sum = (of: string) => (a[of] ?? 0) + (b[of] ?? 0);
  expect(["groups", "away", "queued", "peers"].map(sum)).toEqual([2, 1, 2, 2]);
  const again = await house.a.join("local", { session: local.session });
  again.say({ t: "ack", upto: 2 });
  await house.pass(4_000);
  expect(house.a.route.stats()).toMatchObject({ queued: 0, away: 0 });
});

test("a session whose client is away ends when its user is revoked, unless somebody goes on with it elsewhere", async () => {
  await using house = await twoNodes(await url());
  const center = await house.a.join("center");
  const local = await house.b.join("local", {}, "alice");
  center.say(send("a"));
  await center.heard();
  local.conn.leave(1006);
  await center.heard();
  house.b.route.revoked?.(({ user }) => user === "bob");
  expect(await center.heard()).toEqual([]);
  const again = await house.a.join("local", { session: local.session }, "alice");
  house.b.route.revoked?.(({ user }) => user === "alice");
  await house.rest();
  again.conn.leave(1006);
  expect(await center.heard()).toEqual(["local online resumed", "local offline closed"]);
  house.a.route.revoked?.(({ user }) => user === "alice");
  expect(await center.heard()).toEqual(["receipt 1 unknown"]);
  expect((await house.b.join("local", { session: local.session }, "alice")).answer).toMatchObject({
    code: "gone",
  });
});

test("a node that stops leaves its roles at once", async () => {
  await using house = await twoNodes(await url());
  const center = await house.a.join("center");
  const [local, plain] = [await house.b.join("local"), await house.b.plain("local", "h")];
  await center.heard();
  for (const { conn } of [local, { conn: plain }]) conn.close(1012, "the gateway restarts");
  await house.b.stop();
  expect(await center.heard()).toEqual(["local offline closed"]);
  expect((await house.a.join("local", { group: "h" })).answer).toMatchObject({ t: "ok" });
  expect((await house.a.join("local", { session: local.session })).answer).toMatchObject({ t: "ok" });
});
