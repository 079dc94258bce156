/** The same attacks on each kind of route: what one kind bears, all of them must. */
import { describe, expect, onTestFinished, test } from "bun:test";
import { eventually, expectCalm, expectEcho } from "./calm.ts";
import { memoryLog, startGateway, type TestGateway } from "./gateway.ts";
import { ask, closePayload, dial, frame, head, OPCODE, type RawClient, upgrade } from "./raw-client.ts";

const KIB = 1024;
const envelope = JSON.stringify({
  group_id: "g",
  sender_type: "center",
  receiver_type: "local",
  content: "x",
});

/** Path to connect to, its route, and a message that this kind accepts. */
const KINDS = [
  ["echo", "/echo", "/echo", "hello"],
  ["room", "/room/a", "/room/:name", "hello"],
  ["feed", "/feed/a", "/feed/:topic", "hello"],
  ["relay", "/relay", "/relay", envelope],
  ["bridge", "/bridge", "/bridge", "hello"],
] as const;

/** A gateway of all five kinds. The bridge's target sends back what it gets. Call it inside a test. */
function startAll(config: Parameters<typeof startGateway>[1] = {}, log = memoryLog()): Promise<TestGateway> {
  const target = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket, chunk) => void socket.write(chunk) },
  });
  onTestFinished(() => target.stop(true));
  const common = { maxMessage: 64 * KIB } as const;
  const routes = {
    "/echo": { kind: "echo", welcome: false, ...common },
    "/room/:name": { kind: "room", ...common },
    "/feed/:topic": { kind: "feed", publish: true, keyField: "k", ...common },
    "/relay": { kind: "relay", ...common },
    "/bridge": { kind: "bridge", target: `127.0.0.1:${target.port}`, ...common },
  } as const;
  return startGateway(routes, config, { log });
}

const counted = (gateway: TestGateway, route: string, code: number) =>
  gateway.metric(`fairlead_connections_closed_total{route="${route}",code="${code}"}`);

const close = (payload: string | Uint8Array) => frame(payload, { opcode: OPCODE.close });

describe.each(KINDS)("%s", (_, path, route, message) => {
  test.each([
    [1002, "a frame that is not masked", frame(message, { mask: false })],
    [1002, "reserved bits", frame(message, { rsv: 7 })],
    [1002, "an unknown opcode", frame(message, { opcode: 11 })],
    [1002, "a close with a code that no peer may send", close(closePayload(1006))],
    [1007, "text that is not UTF-8", frame(Buffer.of(0xff, 0xfe))],
    [1009, "a message that is too large", frame("x".repeat(64 * KIB + 1))],
    [1009, "2^64-1 bytes announced", frame("x", { announce: 2n ** 64n - 1n })],
    [1005, "a close without a code", close("")],
  ])("ends with %d for %s, behind a good message", async (code, __, bytes) => {
    await using gateway = await startAll();
    using client = await upgrade(gateway.host, { path });
    client.write(Buffer.concat([frame(message), bytes]));
    expect((await client.ending()).code).toBe(code);
    await expectCalm(gateway);
    expect(await counted(gateway, route, code)).toBe(1);
  });

  test("ignores the frames behind a close", async () => {
    await using gateway = await startAll();
    using client = await upgrade(gateway.host, { path });
    client.write(Buffer.concat([frame(message), close(closePayload(1000)), frame(message), frame(message)]));
    expect((await client.ending()).code).toBe(1000);
    expect(await received(gateway, route)).toBe(1);
    await expectCalm(gateway);
  });

  test("takes a message that drips in by single bytes, fragments and pings between", async () => {
    await using gateway = await startAll();
    using client = await upgrade(gateway.host, { path });
    await client.drip(frame(message.slice(0, 3), { fin: false }));
    await client.drip(frame("p", { opcode: OPCODE.ping }));
    await client.drip(frame(message.slice(3), { opcode: OPCODE.continuation }));
    await eventually("the message", async () => (await received(gateway, route)) === 1);
    await client.drip(close(closePayload(1000)));
    expect((await client.ending()).code).toBe(1000);
    await expectCalm(gateway);
  });

  test.each<[what: string, run: (client: RawClient) => void]>([
    ["right after the 101", () => {}],
    ["in the middle of a frame", (client) => client.write(frame(message).subarray(0, 5))],
    ["in the middle of a message", (client) => client.write(frame(message, { fin: false }))],
    ["behind a hundred messages that it never reads", (client) => flood(client, message)],
  ])("forgets a client that resets %s", async (__, run) => {
    await using gateway = await startAll();
    for (let round = 0; round < 5; round += 1) {
      using client = await upgrade(gateway.host, { path });
      run(client);
      client.reset();
    }
    await expectCalm(gateway);
  });

  test("forgets clients that reset together with their handshake", async () => {
    await using gateway = await startAll();
    for (let round = 0; round < 20; round += 1) {
      const client = await dial(gateway.host);
      client.write(head({ path }));
      client.reset();
    }
    await expectCalm(gateway);
  });

  test("closes with 1012 when the gateway stops, and terminates who never reads", async () => {
    const log = memoryLog();
    const gateway = await startAll({ drain: { window: 400 } }, log);
    using reader = await upgrade(gateway.host, { path });
    using stuck = await upgrade(gateway.host, { path });
    flood(stuck, message);
    await eventually("the messages", async () => (await received(gateway, route)) >= 50);
    const start = performance.now();
    await gateway.gateway.stop();
    expect(performance.now() - start).toBeLessThan(2_000);
    expect((await reader.ending()).code).toBe(1012);
    const goodbyes = log.lines.filter(({ text }) => text === "goodbye");
    expect(goodbyes.map(({ code }) => code)).toEqual([1012, 1012]);
  });
});

function flood(client: RawClient, message: string): void {
  client.pause();
  const bytes = frame(message);
  for (let n = 0; n < 100; n += 1) client.write(bytes);
}

const received = (gateway: TestGateway, route: string) =>
  gateway.metric(`fairlead_messages_received_total{route="${route}"}`);

describe("a room's name", () => {
  test.each([
    ["a slash", "/room/a%2fb"],
    ["a percent sign", "/room/100%25"],
    ["__proto__", "/room/__proto__"],
    ["constructor", "/room/constructor"],
    ["quotes and backslashes", "/room/%22%5c%27"],
    ["255 bytes", `/room/${"x".repeat(255)}`],
  ])("of %s is a name like any other, and not another's", async (_, path) => {
    await using gateway = await startAll();
    {
      using member = await upgrade(gateway.host, { path });
      using other = await upgrade(gateway.host, { path: "/room/other" });
      await expectEcho(member, "to my room");
      await expectEcho(other, "to the other");
    }
    await expectCalm(gateway);
  });

  test.each([
    [404, "dots alone", "/room/.."],
    [404, "encoded dots alone", "/room/%2e%2e"],
    [400, "a way up", "/room/..%2f..%2fetc%2fpasswd"],
    [400, "markup", "/room/%3Cscript%3E"],
    [400, "NUL", "/room/a%00b"],
    [400, "a line feed", "/room/a%0ab"],
    [400, "a direction mark", "/room/a%E2%80%AEb"],
    [400, "300 bytes", `/room/${"x".repeat(300)}`],
    [400, "nothing", "/room/"],
    [400, "bytes that are not UTF-8", "/room/%C0%AF"],
  ])("is refused with %d if it is %s", async (status, _, path) => {
    await using gateway = await startAll();
    expect((await ask(gateway.host, { path })).status).toBe(status);
    await expectCalm(gateway);
  });
});
