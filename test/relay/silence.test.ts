/** Peers that stop answering and readers that stop reading, over raw sockets, with deadlines short enough for a test. */
import { describe, expect, test } from "bun:test";
import { eventually, expectCalm, expectEcho } from "../calm.ts";
import { startGateway } from "../gateway.ts";
import { frame, OPCODE, upgrade } from "../raw-client.ts";

const KIB = 1024;

describe("a peer that gives no sign of life", () => {
  const heartbeat = { ping: 100, pong: 100 };
  const routes = { "/echo": { kind: "echo", welcome: false, heartbeat } } as const;
  const counted = (code: number) => `fairlead_connections_closed_total{route="/echo",code="${code}"}`;

  test("is pinged, and closed with 4008 if no pong comes", async () => {
    await using gateway = await startGateway(routes);
    using client = await upgrade(gateway.host);
    expect((await client.next()).opcode).toBe(OPCODE.ping);
    expect(await client.ending()).toEqual({ code: 4008, reason: "no pong" });
    await expectCalm(gateway);
    expect(await gateway.metric(counted(4008))).toBe(1);
  });

  test("is closed with 4008 even if it drips bytes of a frame that never ends", async () => {
    await using gateway = await startGateway(routes);
    using client = await upgrade(gateway.host);
    const dripping = client.drip(frame("x".repeat(60 * KIB)));
    expect((await client.ending()).code).toBe(4008);
    client.reset();
    await dripping;
    await expectCalm(gateway);
  });

  test("is closed with 4008 even if it sends pings of its own", async () => {
    await using gateway = await startGateway(routes);
    using client = await upgrade(gateway.host);
    const timer = setInterval(() => client.write(frame("", { opcode: OPCODE.ping })), 20);
    expect((await client.ending()).code).toBe(4008);
    clearInterval(timer);
    await expectCalm(gateway);
  });

  test("stays as long as it answers", async () => {
    await using gateway = await startGateway(routes);
    using client = await upgrade(gateway.host);
    for (let round = 0; round < 6; round += 1) {
      expect((await client.next()).opcode).toBe(OPCODE.ping);
      client.write(frame("", { opcode: OPCODE.pong }));
    }
    await expectEcho(client, "alive");
  });

  test("stays as long as it says something, though it answers no ping", async () => {
    await using gateway = await startGateway(routes);
    using client = await upgrade(gateway.host);
    const timer = setInterval(() => client.write(frame("hello")), 30);
    let pings = 0;
    while (pings < 6) if ((await client.next()).opcode === OPCODE.ping) pings += 1;
    clearInterval(timer);
    expect((await client.ending()).code).toBe(4008);
  });

  test("is left alone if ping is 0", async () => {
    const quiet = { ...routes["/echo"], heartbeat: { ping: 0, pong: 50 } };
    await using gateway = await startGateway({ "/echo": routes["/echo"], "/quiet": quiet });
    using silent = await upgrade(gateway.host, { path: "/quiet" });
    using witness = await upgrade(gateway.host);
    expect((await witness.ending()).code).toBe(4008);
    expect(silent.waiting).toBe(0);
    await expectEcho(silent, "alive");
  });
});

describe("a client that does not read its echo", () => {
  const CHUNK = 64 * KIB;
  const COUNT = 512;
  const message = (n: number) => Buffer.alloc(CHUNK, n % 251);

  test("is paused; when it reads again it gets every byte in order", async () => {
    await using gateway = await startGateway({ "/echo": { kind: "echo", welcome: false } });
    using client = await upgrade(gateway.host);
    client.pause();
    for (let n = 0; n < COUNT; n += 1) client.write(frame(message(n), { opcode: OPCODE.binary }));
    const received = 'fairlead_messages_received_total{route="/echo"}';
    let before = -1;
    let now = 0;
    await eventually("the echo pauses its sender", async () => {
      before = now;
      await new Promise((resolve) => setTimeout(resolve, 50));
      now = await gateway.metric(received);
      return now > 0 && now === before;
    });
    expect(now).toBeLessThan(COUNT);
    client.resume();
    for (let n = 0; n < COUNT; n += 1) {
      const { payload } = await client.next();
      expect(payload.equals(message(n))).toBe(true);
    }
    await expectEcho(client, "all there");
  });

  test("is cut after stallTimeout, which counts as 1013, with what was never flushed", async () => {
    await using gateway = await startGateway({
      "/echo": { kind: "echo", welcome: false, stallTimeout: 300, heartbeat: { ping: 0 } },
    });
    using client = await upgrade(gateway.host);
    client.pause();
    for (let n = 0; n < COUNT; n += 1) client.write(frame(message(n), { opcode: OPCODE.binary }));
    const counted = 'fairlead_connections_closed_total{route="/echo",code="1013"}';
    await eventually("the cut", async () => (await gateway.metric(counted)) === 1);
    expect(await gateway.metric('fairlead_unflushed_bytes_total{route="/echo"}')).toBeGreaterThan(512 * KIB);
    await expectCalm(gateway);
  });

  test("fast enough, but takes some now and then, is not cut by stallTimeout", async () => {
    const welcome = "x".repeat(48 * KIB * KIB);
    await using gateway = await startGateway({
      "/full": { kind: "echo", welcome, stallTimeout: 400, heartbeat: { ping: 0 } },
    });
    using client = await upgrade(gateway.host, { path: "/full" });
    while (client.waiting < welcome.length) {
      const before = client.waiting;
      client.resume();
      await eventually("some more", () => client.waiting > before);
      client.pause();
      await Bun.sleep(100);
    }
    client.resume();
    expect((await client.next()).payload).toHaveLength(welcome.length);
  });

  test("is closed at once with 1013 if the policy is close", async () => {
    const slow = { policy: "close", highWater: "256KiB" } as const;
    await using gateway = await startGateway({ "/echo": { kind: "echo", welcome: false, slow } });
    using client = await upgrade(gateway.host);
    client.pause();
    for (let n = 0; n < COUNT; n += 1) client.write(frame(message(n), { opcode: OPCODE.binary }));
    const counted = 'fairlead_connections_closed_total{route="/echo",code="1013"}';
    await eventually("the close", async () => (await gateway.metric(counted)) === 1);
    client.resume();
    // It hears 1013, unless the kernel answers what it still had under way with a reset.
    expect([1013, 1006]).toContain((await client.ending()).code);
    await expectCalm(gateway);
  });
});
