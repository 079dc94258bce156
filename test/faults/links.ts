/** Faults of single links: slow ones, half-closed ones, and those that die while nobody reads them. */
import { expect, onTestFinished, test } from "bun:test";
import { connect as connectSession } from "../../src/client/index.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { eventually, expectCalm } from "../calm.ts";
import { connect, memoryLog, startGateway, type TestClient } from "../gateway.ts";
import { frame, OPCODE, type RawClient, upgrade } from "../raw-client.ts";
import { within } from "../system/program.ts";
import { range, readNumbers } from "../system/read-numbers.ts";
import { startService } from "../tcp-service.ts";
import { slowLink } from "./slow-link.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const ECHO = { kind: "echo", welcome: false } as const;

async function house(routes: NonNullable<ConfigInput["routes"]>) {
  const log = memoryLog();
  const gateway = await startGateway({ "/echo": ECHO, ...routes }, {}, { log });
  onTestFinished(() => gateway.gateway.stop());
  return { log, gateway };
}

test("6: is no false alarm for a heartbeat of a second, and order stays", async () => {
  const { gateway } = await house({
    "/feed/:name": { kind: "feed", publish: true, heartbeat: { ping: "1s", pong: "1s" } },
  });
  const host = await slowLink(gateway.host, { delay: () => 100 + Math.random() * 200 });
  const session = connectSession(`ws://${host}/feed/a`);
  onTestFinished(() => session.close());
  const statuses: string[] = [];
  session.onStatus(({ type }) => statuses.push(type));
  const reader = readNumbers(session);
  await reader.ready;
  const published: Promise<unknown>[] = [];
  for (const n of range(0, 100)) {
    published.push(session.publish(n));
    await Bun.sleep(50);
  }
  await within(5, Promise.all(published), () => "a publish was not answered");
  await reader.has(99, 5);
  expect(reader.got).toEqual(range(0, 100));
  expect(statuses).toEqual(["open"]);
  expect(await gateway.metric('fairlead_connections_opened_total{route="/feed/:name"}')).toBe(1);
});

test("11: is an end like any other, and what waited for it is counted as unflushed", async () => {
  const { gateway } = await house({ "/room": { kind: "room", slow: { highWater: "8MiB" } } });
  const half = await upgrade(gateway.host, { path: "/room" });
  using speaker = await connect(gateway.ws("/room"));
  half.pause();
  const said = "x".repeat(64 * KIB);
  for (let bytes = 0; bytes < 8 * MIB; bytes += said.length) {
    speaker.send(said);
    await speaker.next();
  }
  half.halfClose();
  const closed = 'fairlead_connections_closed_total{route="/room",code="1006"}';
  await eventually("the end of the half-closed one", async () => (await gateway.metric(closed)) === 1);
  expect(await gateway.metric('fairlead_unflushed_bytes_total{route="/room"}')).toBeGreaterThan(64 * KIB);
  half.resume();
  expect(await half.ended()).toBeString();
});

/** ms that each of so many messages took to each reader, the last hundredth of them. */
async function p99(publisher: TestClient, readers: readonly TestClient[], messages: number): Promise<number> {
  const times: number[] = [];
  const all = Promise.withResolvers<void>();
  const came = ({ data }: MessageEvent) => {
    times.push(performance.now() - JSON.parse(String(data)).at);
    if (times.length === messages * readers.length) all.resolve();
  };
  for (const { socket } of readers) socket.addEventListener("message", came);
  for (let n = 0; n < messages; n += 1) {
    publisher.send(JSON.stringify({ at: performance.now(), n }));
    await Bun.sleep(50);
  }
  await within(30, all.promise, () => `${times.length} of ${messages * readers.length} came`);
  for (const { socket } of readers) socket.removeEventListener("message", came);
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
}

test("15: a thousand others wait no longer than without it", async () => {
  const { gateway, log } = await house({
    "/r/:name": { kind: "room", slow: { policy: "drop-oldest", highWater: "4MiB" } },
  });
  const slow = await slowLink(gateway.host, { bytesPerSecond: 16 * KIB });
  const laggard = await upgrade(slow, { path: "/r/a" });
  onTestFinished(() => laggard[Symbol.dispose]());
  const publisher = await connect(gateway.ws("/r/a"));
  onTestFinished(() => publisher.socket.close());
  const isBehind = () =>
    log.lines.findLast(({ text }) => text.startsWith("slow consumer"))?.text === "slow consumer: fell behind";
  for (let bytes = 0; !isBehind(); ) {
    for (const _ of range(0, 256)) {
      publisher.send("x".repeat(32 * KIB));
      await publisher.next();
    }
    // The kernel may take much of it after all, so look when it had the time to.
    await Bun.sleep(1_000);
    bytes += 8 * MIB;
    expect(bytes).toBeLessThan(64 * MIB);
  }
  const readers: TestClient[] = [];
  while (readers.length < 1_000)
    readers.push(...(await Promise.all(range(0, 50).map(() => connect(gateway.ws("/r/a"))))));
  await p99(publisher, readers, 20); // until the code is warm
  const withIt = await p99(publisher, readers, 40);
  expect(isBehind()).toBe(true);
  laggard.reset();
  await eventually("its end", () => log.lines.some(({ code }) => code === 1006));
  const without = await p99(publisher, readers, 40);
  console.error(
    `1,000 readers: p99 ${withIt.toFixed(1)} ms beside a slow one, ${without.toFixed(1)} ms without`,
  );
  // Twice as long, and what a turn of a busy machine adds.
  expect(withIt).toBeLessThan(2 * without + 20);
  for (const { socket } of readers) socket.close();
});

/** Sends until the gateway takes nothing any more. */
async function fill(client: RawClient, bytes: Uint8Array): Promise<void> {
  let unsent = -1;
  for (let turn = 0; turn < 2_000 && client.unsent !== unsent; turn += 1) {
    unsent = client.unsent < 2 * MIB ? -1 : client.unsent;
    if (unsent === -1) client.write(bytes);
    await Bun.sleep(unsent === -1 ? 1 : 200);
  }
  expect(client.unsent).toBeGreaterThan(MIB);
}

const said = frame(Buffer.alloc(64 * KIB), { opcode: OPCODE.binary });
const STALL = { stallTimeout: "1s" } as const;

for (const how of ["FIN", "RST", "silence"] as const) {
  const leave = (client: RawClient) => {
    if (how === "FIN") client.halfClose();
    if (how === "RST") client.reset();
  };

  test(`17: an echo that nobody reads is freed after ${how}`, async () => {
    const { gateway, log } = await house({ "/e": { ...ECHO, ...STALL } });
    const client = await upgrade(gateway.host, { path: "/e" });
    client.pause();
    await fill(client, said);
    leave(client);
    await eventually("its end in the log", () => log.lines.some(({ text }) => text === "goodbye"));
    const goodbye = log.lines.find(({ text }) => text === "goodbye");
    expect(goodbye?.["code"]).toBe(how === "RST" ? 1006 : 1013);
    await expectCalm(gateway);
    client[Symbol.dispose]();
  });

  test(`17: a bridge whose target reads nothing is freed after ${how}`, async () => {
    const service = await startService((peer) => peer.pause());
    onTestFinished(() => service[Symbol.dispose]());
    const { gateway, log } = await house({ "/b": { kind: "bridge", target: service.target, ...STALL } });
    const client = await upgrade(gateway.host, { path: "/b" });
    await fill(client, said);
    leave(client);
    await eventually("its end in the log", () => log.lines.some(({ text }) => text === "goodbye"));
    (await service.next()).destroy();
    await expectCalm(gateway);
    client[Symbol.dispose]();
  });

  test(`17: a sender to a pipe that nobody reads is freed after ${how}`, async () => {
    const { gateway, log } = await house({ "/p": { kind: "relay", mode: "pipe", ...STALL } });
    const center = await upgrade(gateway.host, { path: "/p?group=g&role=center" });
    const local = await upgrade(gateway.host, { path: "/p?group=g&role=local" });
    local.pause();
    await fill(center, said);
    leave(center);
    await eventually(
      "the end of both",
      () => log.lines.filter(({ text }) => text === "goodbye").length === 2,
    );
    await expectCalm(gateway);
    for (const each of [center, local]) each[Symbol.dispose]();
  });
}
