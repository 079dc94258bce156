/** Presence where it hurts: ten thousand members who all asked to be told, which would be 50 million events; and one who does not read. */
import { expect, test } from "bun:test";
import { PROTOCOL } from "../../src/wire/v1.ts";
import { eventually } from "../calm.ts";
import { connect, memoryLog, startGateway } from "../gateway.ts";
import { upgrade } from "../raw-client.ts";
import { speak } from "../v1-client.ts";
import { serve } from "./one-liner.ts";

const MEMBERS = 10_000;
/** Members up to which each coming and going is told. */
const MAX = 500;
/** Handshakes under way at once. */
const AT_ONCE = 200;

/** Far more of these than the kernel holds for a peer that does not read. */
const BLOCK = 32 * 1024;
const MOST_BLOCKS = 2_000;
const CONNECTIONS = 'fairlead_connections{route="/room/:room"}';

/** A member that only counts what it is told. */
interface Counting {
  readonly socket: WebSocket;
  readonly told: { join: number; leave: number; count: number };
  total: number;
}

function enter(url: string): Promise<Counting> {
  const socket = new WebSocket(url, [PROTOCOL]);
  const member: Counting = { socket, told: { join: 0, leave: 0, count: 0 }, total: 0 };
  return new Promise((resolve, reject) => {
    socket.addEventListener("close", ({ code }) => reject(new Error(`closed with ${code}`)));
    socket.addEventListener("message", ({ data }: MessageEvent<string>) => {
      const { t, total } = JSON.parse(data);
      if (t === "welcome") resolve(member);
      if (t !== "join" && t !== "leave" && t !== "count") return;
      member.told[t as keyof Counting["told"]] += 1;
      member.total = total;
    });
  });
}

async function enterAll(url: string): Promise<Counting[]> {
  const members: Counting[] = [];
  while (members.length < MEMBERS) {
    const size = Math.min(AT_ONCE, MEMBERS - members.length);
    members.push(...(await Promise.all(Array.from({ length: size }, () => enter(url)))));
  }
  return members;
}

const sum = (members: readonly Counting[], kind: keyof Counting["told"]) =>
  members.reduce((all, { told }) => all + told[kind], 0);

test("a room of 10,000 tells each how many are there, once a second, and all of them who asks", async () => {
  const url = `ws://${await serve("room")}/ws`;
  const start = performance.now();
  using first = await speak(url);
  const members = await enterAll(`${url}?presence=1`);
  const all = MEMBERS + 1;
  await eventually("the last count", () => members.every(({ total }) => total === all));
  const seconds = (performance.now() - start) / 1000;

  // The nth is told of those after it, up to MAX; the very first did not ask.
  expect(sum(members, "join")).toBe(((MAX - 1) * (MAX - 2)) / 2);
  expect(sum(members, "leave")).toBe(0);
  expect(Math.max(...members.map(({ told }) => told.count))).toBeLessThanOrEqual(seconds + 1);

  const found = new Set<unknown>();
  for (let after: unknown; found.size < all; after = [...found].at(-1)) {
    const page = await first.ask({
      t: "who",
      topic: "room",
      limit: 1_000,
      ...(after !== undefined && { after }),
    });
    const conns = Array.isArray(page["members"]) ? page["members"].map(({ conn }) => conn) : [];
    expect(conns.length).toBe(Math.min(1_000, all - found.size));
    for (const conn of conns) found.add(conn);
    expect([page["total"], page["complete"]]).toEqual([all, found.size === all]);
  }

  const [last, ...others] = members;
  if (last === undefined) throw new Error("nobody came");
  last.told.count = 0;
  for (const { socket } of others) socket.close();
  await eventually("the count of those who stayed", () => last.told.count > 0 && last.total === 2);
  expect(last.told.leave).toBe(MAX - 1);
  last.socket.close();
}, 60_000);

test("a watcher that reads nothing is told nothing more, and once it reads again how many are there", async () => {
  const log = memoryLog();
  const slow = { policy: "drop-oldest", highWater: "256KiB" } as const;
  await using gateway = await startGateway({ "/room/:room": { kind: "room", slow } }, {}, { log });
  const headers = { "Sec-WebSocket-Protocol": PROTOCOL };
  using watcher = await upgrade(gateway.host, { path: "/room/a?presence=1", headers });
  using publisher = await connect(gateway.ws("/room/a"));
  watcher.pause();

  const said = (text: string) => log.lines.some((line) => line.text === text && line["conn"] === watcher.id);
  for (let i = 0; !said("slow consumer: fell behind"); i += 1) {
    if (i === MOST_BLOCKS) throw new Error("the watcher never fell behind");
    publisher.send("x".repeat(BLOCK));
    await publisher.next();
  }
  for (let i = 0; i < 5; i += 1) {
    using guest = await speak(gateway.ws("/room/a"));
    await guest.ask({ t: "ping" });
  }
  await eventually("that the guests have left", async () => (await gateway.metric(CONNECTIONS)) === 2);
  watcher.resume();
  await eventually("that the watcher has caught up", () => said("slow consumer: caught up"));
  publisher.send("the end");

  const told: unknown[] = [];
  for (;;) {
    const { t, total, data } = JSON.parse((await watcher.next()).payload.toString());
    if (data === "the end") break;
    if (t !== "msg" && t !== "welcome" && t !== "gap") told.push([t, total]);
  }
  expect(told).toEqual([
    ["join", 2],
    ["count", 2],
  ]);
});
