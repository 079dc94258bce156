/** limits.messages and limits.bytes over real sockets: first no more is read, then there is an error, then the end. */
import { describe, expect, test } from "bun:test";
import { eventually, expectCalm } from "../calm.ts";
import { testClock } from "../clock.ts";
import { startGateway } from "../gateway.ts";
import { frame, type RawClient, upgrade } from "../raw-client.ts";
import { serveRoute } from "../serve-route.ts";

const here = { path: "/x/y" };
const routes = { "/echo": { kind: "echo", welcome: false }, "/room": { kind: "room" } } as const;
const speaking = { path: "/room", headers: { "Sec-WebSocket-Protocol": "fairlead.v1" } };

const frames = (count: number, text: (n: number) => string) =>
  Buffer.concat(Array.from({ length: count }, (_, n) => frame(text(n))));

/** The frames of fairlead.v1 up to the close. */
async function framesUntilEnd(client: RawClient): Promise<Record<string, unknown>[]> {
  const all: Record<string, unknown>[] = [];
  for (;;) {
    const { opcode, payload } = await client.next();
    if (opcode !== 1) return [...all, { code: payload.readUInt16BE(0), reason: payload.toString("utf8", 2) }];
    all.push(JSON.parse(payload.toString()));
  }
}

describe("a connection that sends faster than limits.messages", () => {
  test("is not read until it is within the rate, and loses nothing", async () => {
    const clock = testClock();
    const seen: string[] = [];
    const message = (_: unknown, data: unknown) => void seen.push(String(data));
    const { host, listener } = serveRoute({ message }, { clock, pace: { messages: 10, bytes: 0 } });
    using client = await upgrade(host, here);
    client.write(frames(15, (n) => `${n}`));
    await eventually("what one read brought", () => seen.length === 15);
    const [connection] = listener.connections;
    expect([connection?.isUnread, connection?.isPaused]).toEqual([true, false]);
    client.write(frame("late"));
    // A connection of its own shows that the loop has turned.
    using other = await upgrade(host, here);
    other.write(frame("other"));
    await eventually("the other", () => seen.includes("other"));
    expect(seen).not.toContain("late");
    clock.advance(501);
    await eventually("the late one", () => seen.includes("late"));
    clock.advance(100);
    expect(connection?.isUnread).toBe(false);
  });

  test("gets err rate_limited with retry for what is far ahead, then 4029", async () => {
    await using gateway = await startGateway(routes, { limits: { messages: 10 } });
    {
      using client = await upgrade(gateway.host, speaking);
      client.write(frames(200, (n) => JSON.stringify({ t: "ping", id: n + 1 })));
      const all = await framesUntilEnd(client);
      const done = all.filter(({ t }) => t === "ok");
      const refused = all.filter(({ code }) => code === "rate_limited");
      // A second's burst, then 5 s ahead are done and 5 s more refused; the clock runs meanwhile.
      expect(done.length).toBeWithin(60, 70);
      expect(refused.length).toBeWithin(50, 60);
      expect(refused[0]).toMatchObject({ t: "err", id: done.length + 1, code: "rate_limited" });
      expect(refused[0]?.["retry"]).toBeWithin(5_000, 5_200);
      expect(all.at(-1)).toEqual({ code: 4029, reason: `retry=${refused.at(-1)?.["retry"]}` });
      expect(refused.at(-1)?.["retry"]).toBeWithin(10_000, 10_200);
    }
    await expectCalm(gateway);
  });

  test("is closed with 4029 and retry as the reason if it is plain, and all before counted as taken", async () => {
    await using gateway = await startGateway(routes, { limits: { messages: 10 } });
    using client = await upgrade(gateway.host);
    client.write(frames(10_000, () => "x"));
    const { code, reason } = await client.ending();
    expect(code).toBe(4029);
    expect(reason).toMatch(/^retry=10\d\d\d$/);
    expect(await gateway.metric('fairlead_connections_closed_total{route="/echo",code="4029"}')).toBe(1);
    expect(await gateway.metric('fairlead_messages_sent_total{route="/echo"}')).toBeWithin(110, 120);
  });

  test("is one matter, its neighbours another", async () => {
    await using gateway = await startGateway(routes, { limits: { messages: 10 } });
    using flood = await upgrade(gateway.host);
    using calm = await upgrade(gateway.host);
    flood.write(frames(10_000, () => "x"));
    await flood.ending();
    calm.write(frame("still here"));
    expect((await calm.next()).payload.toString()).toBe("still here");
  });
});

describe("a connection that sends faster than limits.bytes", () => {
  test("is closed with 4029 when one read brings far too much", async () => {
    await using gateway = await startGateway(routes, { limits: { bytes: "1KiB" } });
    using client = await upgrade(gateway.host);
    client.write(frames(20, () => "x".repeat(1024)));
    expect((await client.ending()).code).toBe(4029);
  });

  test("may send one message that is larger, and is not read for that time", async () => {
    const clock = testClock();
    const sizes: number[] = [];
    const message = (_: unknown, data: string | Uint8Array) => void sizes.push(data.length);
    const { host, listener } = serveRoute({ message }, { clock, pace: { messages: 0, bytes: 100 } });
    using client = await upgrade(host, here);
    client.write(frame("x".repeat(600)));
    await eventually("it", () => sizes.length === 1);
    const [connection] = listener.connections;
    clock.advance(4_999);
    expect(connection?.isUnread).toBe(true);
    clock.advance(2);
    expect(connection?.isUnread).toBe(false);
  });
});

describe("a connection that is held back", () => {
  const one = async () => {
    const { host, listener } = serveRoute({ message() {} });
    const client = await upgrade(host, here);
    const [connection] = listener.connections;
    if (connection === undefined) throw new Error("there is no connection");
    return { client, connection };
  };

  test.each([
    ["its route lets go first", true],
    ["its pace lets go first", false],
  ])("is read again when route and pace both let go: %s", async (_, routeFirst) => {
    const { client, connection } = await one();
    connection.pause();
    connection.holdBack();
    const letGo = [() => connection.resume(), () => connection.readOn()];
    for (const [index, go] of (routeFirst ? letGo : letGo.reverse()).entries()) {
      go();
      expect(connection.isUnread).toBe(index === 0);
    }
    expect(connection.isPaused).toBe(false);
    client.reset();
  });

  test("costs nothing more once it has closed", async () => {
    const { client, connection } = await one();
    connection.holdBack();
    connection.terminate(1013, "done");
    connection.readOn();
    connection.holdBack();
    expect(connection.isOpen).toBe(false);
    client[Symbol.dispose]();
  });
});
