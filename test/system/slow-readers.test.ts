/** Readers that stop reading, over real sockets: what they lose, what they get, what it costs, and that nobody else notices. */
import { describe, expect, onTestFinished, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { ConfigInput } from "../../src/config/schema.ts";
import { eventually } from "../calm.ts";
import { connect, memoryLog, startGateway, type TestClient } from "../gateway.ts";
import { dial, OPCODE, type RawClient, upgrade } from "../raw-client.ts";
import { start } from "./program.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** More than the kernel holds for a peer that does not read. */
const MORE_THAN_KERNEL = 16 * MIB;
const SIZE = 32 * KIB;
const ROUTE = "/r/:name";

type SlowRoute = NonNullable<ConfigInput["routes"]>[string];

/** A gateway with one route, a reader that can stall, and somebody who publishes and hears. */
async function slowHouse(route: SlowRoute) {
  const log = memoryLog();
  const gateway = await startGateway({ [ROUTE]: route }, {}, { log });
  onTestFinished(() => gateway.gateway.stop());
  const slow = await upgrade(gateway.host, { path: "/r/a" });
  const publisher = await connect(gateway.ws("/r/a"));
  onTestFinished(() => publisher.socket.close());
  const metric = (name: string, labels = "") => gateway.metric(`fairlead_${name}{route="${ROUTE}"${labels}}`);
  let published = 0;
  return {
    gateway,
    slow,
    publisher,
    metric,
    lines: (text: string) => log.lines.filter((line) => line.text === text && line["conn"] === slow.id),
    get published() {
      return published;
    },
    /** Publishes message 1, 2, 3 ... and hears it come back, so it has been handed to everybody. */
    async publish(size = SIZE, fields: Readonly<Record<string, string>> = {}): Promise<number> {
      published += 1;
      const head = JSON.stringify({ n: published, ...fields });
      publisher.send(`${head}${" ".repeat(size - head.length)}`);
      expect(numberOf(await publisher.next())).toBe(published);
      return published;
    },
    async accounts() {
      const reason = (name: string) => metric("messages_dropped_total", `,reason="${name}"`);
      return {
        due: await metric("messages_due_total"),
        delivered: await metric("messages_delivered_total"),
        slow: await reason("slow"),
        conflated: await reason("conflated"),
        closed: await reason("closed"),
        queued: await metric("messages_queued"),
      };
    },
  };
}
type SlowHouse = Awaited<ReturnType<typeof slowHouse>>;

const numberOf = (data: string | Uint8Array): number => JSON.parse(String(data)).n;

/** Numbers of all messages up to and with `last`. */
async function readTo(client: RawClient, last: number): Promise<number[]> {
  const numbers: number[] = [];
  while (numbers.at(-1) !== last) {
    const { opcode, payload } = await client.next();
    if (opcode === OPCODE.text) numbers.push(numberOf(payload));
    else throw new Error(`opcode ${opcode} instead of message ${last}`);
  }
  return numbers;
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

async function publishUntil(house: SlowHouse, done: () => boolean): Promise<void> {
  for (let bytes = 0; !done(); bytes += SIZE) {
    if (bytes > MORE_THAN_KERNEL + 4 * MIB) throw new Error("the reader was never found slow");
    await house.publish();
  }
}

describe("a reader that stops reading", () => {
  test("is closed with 1013 under close, with what it had been sent before that, and others get everything", async () => {
    const house = await slowHouse({ kind: "room", slow: { policy: "close", highWater: "256KiB" } });
    house.slow.pause();
    await publishUntil(house, () => house.lines("goodbye").length > 0);
    for (let i = 0; i < 10; i += 1) await house.publish();
    expect(house.lines("goodbye")).toMatchObject([{ code: 1013, reason: "slow consumer", local: true }]);
    house.slow.resume();
    expect(await house.slow.ending()).toEqual({ code: 1013, reason: "slow consumer" });
    const { due, delivered, ...rest } = await house.accounts();
    expect(delivered).toBe(due);
    expect(rest).toEqual({ slow: 0, conflated: 0, closed: 0, queued: 0 });
    expect(await house.metric("unflushed_bytes_total")).toBeGreaterThan(256 * KIB);
  });

  test("goes on later under drop-oldest, in order, and what it missed is counted and logged", async () => {
    const house = await slowHouse({ kind: "room", slow: { policy: "drop-oldest", highWater: "256KiB" } });
    house.slow.pause();
    await publishUntil(house, () => house.lines("slow consumer: fell behind").length > 0);
    for (let i = 0; i < 40; i += 1) await house.publish();
    const stalled = await house.accounts();
    expect(stalled.queued).toBe(8);
    expect(stalled.slow).toBe(40 - 8);
    expect(stalled.due).toBe(stalled.delivered + stalled.slow + stalled.queued);
    house.slow.resume();
    const got = await readTo(house.slow, house.published);
    expect(got).toEqual([...range(1, house.published - 40), ...range(house.published - 7, house.published)]);
    expect(house.lines("slow consumer: caught up")).toMatchObject([{ policy: "drop-oldest", dropped: 32 }]);
    const caughtUp = await house.accounts();
    expect(caughtUp.queued).toBe(0);
    expect(caughtUp.due).toBe(caughtUp.delivered + 32);
    expect(caughtUp.delivered).toBe(got.length + house.published);
  });

  test("gets the newest value of each key under latest", async () => {
    const house = await slowHouse({
      kind: "feed",
      publish: true,
      welcome: false,
      keyField: "key",
      slow: { highWater: "256KiB" },
    });
    house.slow.pause();
    await publishUntil(house, () => house.lines("slow consumer: fell behind").length > 0);
    const before = house.published;
    for (let i = 0; i < 60; i += 1) await house.publish(SIZE, { key: `k${i % 5}` });
    house.slow.resume();
    const got = await readTo(house.slow, house.published);
    expect(got).toEqual([...range(1, before), ...range(house.published - 4, house.published)]);
    const { due, delivered, conflated, slow, queued } = await house.accounts();
    expect([conflated, slow, queued]).toEqual([55, 0, 0]);
    expect(due).toBe(delivered + conflated);
  });

  test("loses and doubles nothing over 32 moves off the native channel and back, if what it missed still fits", async () => {
    const house = await slowHouse({ kind: "room", slow: { policy: "drop-oldest", highWater: "256KiB" } });
    let last = 0;
    for (let move = 1; move <= 32; move += 1) {
      house.slow.pause();
      await publishUntil(house, () => house.lines("slow consumer: fell behind").length >= move);
      for (let i = 0; i < 4; i += 1) await house.publish();
      house.slow.resume();
      expect(await readTo(house.slow, house.published)).toEqual(range(last + 1, house.published));
      last = house.published;
    }
    expect(house.lines("slow consumer: fell behind").length).toBe(32);
    expect(house.lines("slow consumer: caught up").every((line) => line["dropped"] === 0)).toBe(true);
    const { due, delivered } = await house.accounts();
    expect([due, delivered]).toEqual([2 * last, 2 * last]);
  });

  test("is cut when it reads nothing for stallTimeout, and what waited is counted as closed", async () => {
    const house = await slowHouse({
      kind: "room",
      stallTimeout: "1s",
      slow: { policy: "drop-oldest", highWater: "256KiB" },
    });
    house.slow.pause();
    await publishUntil(house, () => house.lines("slow consumer: fell behind").length > 0);
    for (let i = 0; i < 5; i += 1) await house.publish();
    await eventually("the end of the slow reader", () => house.lines("goodbye").length > 0);
    expect(house.lines("goodbye")).toMatchObject([
      { code: 1013, reason: "slow consumer: nothing was read", local: true },
    ]);
    expect(house.lines("slow consumer: left").length).toBe(1);
    const { due, delivered, closed, queued } = await house.accounts();
    expect([closed, queued]).toEqual([5, 0]);
    expect(due).toBe(delivered + closed);
  });

  test("is not noticed by a thousand others: each gets everything, in order", async () => {
    const house = await slowHouse({ kind: "room", slow: { policy: "drop-oldest", highWater: "256KiB" } });
    house.slow.pause();
    await publishUntil(house, () => house.lines("slow consumer: fell behind").length > 0);
    const others = await Promise.all(Array.from({ length: 1_000 }, () => connect(house.gateway.ws("/r/a"))));
    const first = house.published + 1;
    for (let i = 0; i < 100; i += 1) await house.publish(128);
    const expected = range(first, house.published);
    for (const other of others) expect(await take(other, expected.length)).toEqual(expected);
    house.slow.resume();
    expect(await readTo(house.slow, house.published)).toEqual(range(1, house.published));
    for (const { socket } of others) socket.close();
  });
});

async function take(client: TestClient, count: number): Promise<number[]> {
  const numbers: number[] = [];
  while (numbers.length < count) numbers.push(numberOf(await client.next()));
  return numbers;
}

describe("what stalled readers cost", () => {
  const ROOT = join(import.meta.dir, "../..");
  const rss = (pid: number) =>
    Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * KIB;
  const sockets = (pid: number) =>
    readdirSync(`/proc/${pid}/fd`).filter((fd) => linkOf(`/proc/${pid}/fd/${fd}`).startsWith("socket:"))
      .length;

  /** Empty where the descriptor was closed between the listing and the look. */
  function linkOf(path: string): string {
    try {
      return readlinkSync(path);
    } catch {
      return "";
    }
  }

  /** The gateway in a process of its own. */
  async function serve(route: SlowRoute) {
    const config = JSON.stringify({
      listen: { port: 0 },
      log: { level: "silent" },
      routes: { [ROUTE]: route },
    });
    const script = `
      const { createGateway } = await import("./src/index.ts");
      const gateway = createGateway(${config});
      await gateway.start();
      console.log("port " + gateway.address.port);
    `;
    const program = start([process.execPath, "-e", script], { cwd: ROOT });
    const [, port] = await program.says(/port (\d+)/);
    return { pid: program.pid, host: `127.0.0.1:${port}` };
  }

  test("is bounded for twenty of them, whatever is published past them", async () => {
    const { pid, host } = await serve({ kind: "room", slow: { policy: "drop-oldest", highWater: "1MiB" } });
    const stalled = await Promise.all(Array.from({ length: 20 }, () => upgrade(host, { path: "/r/a" })));
    for (const each of stalled) each.pause();
    using publisher = await connect(`ws://${host}/r/a`);
    const data = "x".repeat(64 * KIB);
    const publish = async (bytes: number) => {
      for (let sent = 0; sent < bytes; sent += data.length) {
        publisher.send(data);
        await publisher.next();
      }
    };
    const before = rss(pid);
    await publish(96 * MIB);
    // Each may hold the mark and what comes until the next look; the backlog is one for all. The rest is the runtime's heap.
    expect(rss(pid) - before).toBeLessThan(20 * 1.5 * MIB + 64 * MIB);
    for (const each of stalled) each.reset();
  });

  test("ends for an event stream: it is cut, and its socket is closed before long", async () => {
    const { pid, host } = await serve({ kind: "feed", publish: true, welcome: false, stallTimeout: "1s" });
    const before = sockets(pid);
    const stream = await stalledStream(host);
    using publisher = await connect(`ws://${host}/r/a`);
    const data = "x".repeat(60 * KIB);
    for (let sent = 0; sent < MORE_THAN_KERNEL; sent += data.length) {
      publisher.send(data);
      await publisher.next();
    }
    const open = async () => {
      const text = await (await fetch(`http://${host}/metrics`)).text();
      return Number(/^fairlead_event_streams\{.*\} (\d+)$/m.exec(text)?.[1]);
    };
    expect(await open()).toBe(1);
    await eventually("the end of the stream", async () => (await open()) === 0);
    publisher.socket.close();
    await publisher.closed;
    for (let i = 0; i < 45 && sockets(pid) > before; i += 1) await Bun.sleep(1_000);
    expect(sockets(pid)).toBe(before);
    stream[Symbol.dispose]();
  }, 60_000);
});

/** A reader of an event stream that never reads. */
async function stalledStream(host: string): Promise<RawClient> {
  const client = await dial(host);
  client.write("GET /r/a HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n");
  client.pause();
  return client;
}
