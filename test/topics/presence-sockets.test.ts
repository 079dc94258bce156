/** Presence on real sockets: one join and one leave per connection and topic, however it came and however it went. */
import { describe, expect, test } from "bun:test";
import { connect, startGateway } from "../gateway.ts";
import { upgrade } from "../raw-client.ts";
import { type Frame, speak, type V1Client } from "../v1-client.ts";

const start = () =>
  startGateway({
    "/room/:room": { kind: "room" },
    "/few/:room": { kind: "room", presence: { max: 2 } },
    "/short/:room": { kind: "room", heartbeat: { ping: 100, pong: 100 } },
    "/feed/:topic": { kind: "feed", publish: true },
  });

const join = (conn: unknown, total: number, topic = "a"): Frame => ({
  ...{ t: "join", topic, conn, user: null, total },
});
const leave = (conn: unknown, total: number, topic = "a"): Frame => ({
  ...join(conn, total, topic),
  t: "leave",
});

const connOf = ({ welcome }: V1Client) => String(welcome["conn"]);

/** The connections of all members, and their number as the answer has it. */
async function membersOf(client: V1Client, topic = "a"): Promise<{ conns: unknown[]; total: unknown }> {
  const { members, total } = await client.ask({ t: "who", topic, limit: 1_000 });
  return { conns: Array.isArray(members) ? members.map(({ conn }) => conn) : [], total };
}

describe("a watcher of a room", () => {
  test("is told once that somebody has come and gone, in either protocol", async () => {
    await using gateway = await start();
    using watcher = await speak(gateway.ws("/room/a?presence=1"));
    for (const path of ["/room/a", "/room/a?presence=1"]) {
      const guest = await speak(gateway.ws(path));
      expect(await watcher.next()).toEqual(join(connOf(guest), 2));
      guest.close();
      expect(await watcher.next()).toEqual(leave(connOf(guest), 1));
    }
    const plain = await upgrade(gateway.host, { path: "/room/a" });
    expect(await watcher.next()).toEqual(join(plain.id, 2));
    plain.reset();
    expect(await watcher.next()).toEqual(leave(plain.id, 1));
    expect(await watcher.told()).toEqual([]);
    expect(await membersOf(watcher)).toEqual({ conns: [connOf(watcher)], total: 1 });
  });

  test("is told nothing of its own coming, nor of other rooms, nor unless it asked", async () => {
    await using gateway = await start();
    using watcher = await speak(gateway.ws("/room/a?presence=1"));
    using silent = await speak(gateway.ws("/room/a"));
    expect(await watcher.next()).toEqual(join(connOf(silent), 2));
    using other = await speak(gateway.ws("/room/b?presence=1"));
    for (const client of [watcher, silent, other]) expect(await client.told()).toEqual([]);
  });

  test("learns of one that vanished without a word, by its missing pong", async () => {
    await using gateway = await start();
    using watcher = await speak(gateway.ws("/short/a?presence=1"));
    // Neither client answers a ping by itself.
    const headers = { "Sec-WebSocket-Protocol": "fairlead.v1" };
    using speaking = await upgrade(gateway.host, { path: "/short/a", headers });
    using plain = await upgrade(gateway.host, { path: "/short/a" });
    expect(await watcher.next()).toEqual(join(speaking.id, 2));
    expect(await watcher.next()).toEqual(join(plain.id, 3));
    const left = [await watcher.next(), await watcher.next()];
    expect(left).toMatchObject([
      { t: "leave", total: 2 },
      { t: "leave", total: 1 },
    ]);
    expect(left.map(({ conn }) => conn).toSorted()).toEqual([speaking.id, plain.id].toSorted());
    expect(await watcher.told()).toEqual([]);
  });

  test("is told their number once there are more than `presence.max`, and of each again below", async () => {
    await using gateway = await start();
    using watcher = await speak(gateway.ws("/few/a?presence=1"));
    const guests: V1Client[] = [];
    for (let i = 0; i < 4; i += 1) guests.push(await speak(gateway.ws("/few/a")));
    const arrived = await toldUntil(watcher, 5);
    expect(arrived.slice(0, 2)).toMatchObject([
      { t: "join", total: 2 },
      { t: "count", total: 3 },
    ]);
    expect(arrived.filter(({ t }) => t !== "count").length).toBe(1);
    for (const guest of guests) guest.close();
    const left = await toldUntil(watcher, 1);
    expect(left.filter(({ t }) => t !== "count").map(({ t, total }) => [t, total])).toEqual([
      ["leave", 2],
      ["leave", 1],
    ]);
  });
});

/** What is told up to the count of that many. */
async function toldUntil(client: V1Client, total: number): Promise<Frame[]> {
  const told: Frame[] = [];
  for (;;) {
    const frame = await client.next();
    told.push(frame);
    if (frame["t"] === "count" && frame["total"] === total) return told;
  }
}

describe("a subscriber of a feed", () => {
  test("is a member of each topic that it names, once, for as long as it does", async () => {
    await using gateway = await start();
    using watcher = await speak(gateway.ws("/feed/watcher"));
    using guest = await speak(gateway.ws("/feed/guest"));
    expect(await watcher.ask({ t: "sub", topic: "a", presence: true })).toMatchObject({ t: "ok" });
    expect(await membersOf(watcher)).toEqual({ conns: [connOf(watcher)], total: 1 });
    for (let i = 0; i < 2; i += 1) {
      await guest.ask({ t: "sub", topic: "a" });
      expect(await watcher.told()).toEqual([join(connOf(guest), 2)]);
      await guest.ask({ t: "sub", topic: "a" });
      await guest.ask({ t: "sub", topic: "*" });
      await guest.ask({ t: "unsub", topic: "*" });
      expect(await watcher.told()).toEqual([]);
      await guest.ask({ t: "unsub", topic: "a" });
      expect(await watcher.told()).toEqual([leave(connOf(guest), 1)]);
    }
  });

  test("is told nothing once it has ended the subscription that asked, nor twice while several do", async () => {
    await using gateway = await start();
    using watcher = await speak(gateway.ws("/feed/watcher"));
    using guest = await speak(gateway.ws("/feed/guest"));
    await watcher.ask({ t: "sub", topic: "a", presence: true });
    await watcher.ask({ t: "sub", topic: "*", presence: true });
    await guest.ask({ t: "sub", topic: "a" });
    expect(await watcher.told()).toEqual([join(connOf(guest), 2)]);
    await watcher.ask({ t: "unsub", topic: "*" });
    await guest.ask({ t: "unsub", topic: "a" });
    expect(await watcher.told()).toEqual([leave(connOf(guest), 1)]);
    await watcher.ask({ t: "unsub", topic: "a" });
    await guest.ask({ t: "sub", topic: "a" });
    expect(await watcher.told()).toEqual([]);
  });

  test("leaves all its topics when its connection ends", async () => {
    await using gateway = await start();
    using watcher = await speak(gateway.ws("/feed/watcher"));
    const guest = await speak(gateway.ws("/feed/a"));
    for (const topic of ["b", "c"]) await guest.ask({ t: "sub", topic });
    for (const topic of ["a", "b", "c"]) await watcher.ask({ t: "sub", topic, presence: true });
    guest.close();
    const told = [await watcher.next(), await watcher.next(), await watcher.next()];
    expect(told.toSorted((a, b) => String(a["topic"]).localeCompare(String(b["topic"])))).toEqual(
      ["a", "b", "c"].map((topic) => leave(connOf(guest), 1, topic)),
    );
  });
});

test("who comes in pages, in one order, each member once", async () => {
  await using gateway = await start();
  const clients = await Promise.all(Array.from({ length: 7 }, () => speak(gateway.ws("/room/a"))));
  const plain = await connect(gateway.ws("/room/a"));
  const [asker] = clients;
  if (asker === undefined) throw new Error("nobody came");
  const found: unknown[] = [];
  const sizes: number[] = [];
  for (let after: unknown; ; after = found.at(-1)) {
    const page = await asker.ask({
      t: "who",
      topic: "a",
      limit: 3,
      ...(after === undefined ? {} : { after }),
    });
    const members: unknown = page["members"];
    if (!Array.isArray(members)) throw new Error("no members");
    for (const { conn, user, since, info } of members) {
      found.push(conn);
      expect([user, info]).toEqual([null, null]);
      expect(Math.abs(Date.now() - since)).toBeLessThan(60_000);
    }
    sizes.push(members.length);
    expect([page["total"], page["complete"]]).toEqual([8, found.length === 8]);
    if (page["complete"] === true) break;
  }
  expect(sizes).toEqual([3, 3, 2]);
  expect(new Set(found).size).toBe(8);
  for (const client of clients) expect(found).toContain(connOf(client));
  for (const client of [...clients, plain]) client[Symbol.dispose]();
});
