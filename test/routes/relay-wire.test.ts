/** The table of events of the relay, row by row, over real sockets and a real gateway. */
import { describe, expect, test } from "bun:test";
import { connect, startGateway, type TestClient, type TestGateway } from "../gateway.ts";
import { frame, upgrade } from "../raw-client.ts";
import { envelope } from "./relay-house.ts";

type Options = { timeout?: number; confirm?: "delivered" | "always" | false; language?: "zh" | "en" };

const start = (options: Options = {}) => startGateway({ "/relay": { kind: "relay", ...options } });

/** A server message to `role` of group g, as it stands on the wire. */
const fromServer = (role: string, content: string, type: string | null) =>
  JSON.stringify({ group_id: "g", sender_type: "server", receiver_type: role, content, message_type: type });

const CONNECTED =
  /^\{"group_id":"g","sender_type":"server","receiver_type":"(center|local)","content":"连接成功，您的ID是: [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}","message_type":null\}$/;

/** A client that has registered; its greeting is read. */
async function join(gateway: TestGateway, role: "center" | "local"): Promise<TestClient> {
  const client = await connect(gateway.ws("/relay"));
  client.send(envelope({ sender_type: role }));
  expect(await client.next()).toMatch(CONNECTED);
  return client;
}

async function pair(gateway: TestGateway): Promise<{ center: TestClient; local: TestClient }> {
  const center = await join(gateway, "center");
  const local = await join(gateway, "local");
  expect(await center.next()).toBe(fromServer("center", "local已上线连接", "connect"));
  return { center, local };
}

describe("relay on the wire", () => {
  test("greets the first envelope with an id and tells the one already there who came", async () => {
    await using gateway = await start();
    const { center, local } = await pair(gateway);
    expect([center.waiting, local.waiting]).toEqual([0, 0]);
  });

  test("turns away the second of a role with a message and 4409, and the first goes on", async () => {
    await using gateway = await start();
    const { center, local } = await pair(gateway);
    const late = await connect(gateway.ws("/relay"));
    late.send(envelope({ sender_type: "center" }));
    expect(await late.next()).toBe(
      fromServer("center", "连接被拒绝：同组内已存在相同类型的客户端", "rejection"),
    );
    expect(await late.closed).toEqual({ code: 4409, reason: "the group has a center already" });
    center.send(envelope({ content: "still here" }));
    expect(await local.next()).toContain("still here");
  });

  test("hands a message over as the sender registered, and confirms it to the sender", async () => {
    await using gateway = await start();
    const { center, local } = await pair(gateway);
    local.send(envelope({ group_id: "x", sender_type: "center", content: "你好", message_type: "text" }));
    expect(await center.next()).toBe(
      '{"group_id":"g","sender_type":"local","receiver_type":"center","content":"你好","message_type":"text"}',
    );
    expect(await local.next()).toBe(fromServer("local", "消息已发送", null));
  });

  test("answers a heartbeat", async () => {
    await using gateway = await start();
    const local = await join(gateway, "local");
    local.send(envelope({ message_type: "heartbeat" }));
    expect(await local.next()).toBe(fromServer("local", "心跳确认", "heartbeat"));
  });

  test("tells the partner when a peer says disconnect, closes, or is cut, and lets the role be taken again", async () => {
    await using gateway = await start();
    const { center, local } = await pair(gateway);
    local.send(envelope({ message_type: "disconnect" }));
    expect(await center.next()).toBe(fromServer("center", "local已断开连接", "disconnect"));
    expect(await local.closed).toEqual({ code: 1000, reason: "disconnect" });
    for (const leave of [
      (client: TestClient) => client.socket.close(),
      (client: TestClient) => client.socket.terminate(),
    ]) {
      const next = await join(gateway, "local");
      expect(await center.next()).toBe(fromServer("center", "local已上线连接", "connect"));
      leave(next);
      expect(await center.next()).toBe(fromServer("center", "local已断开连接", "disconnect"));
    }
  });

  test("closes a silent peer with 4408 and tells its partner, who goes on with heartbeats", async () => {
    await using gateway = await start({ timeout: 300 });
    const { center, local } = await pair(gateway);
    const beat = setInterval(() => center.send(envelope({ message_type: "heartbeat" })), 50);
    try {
      expect(await local.closed).toEqual({ code: 4408, reason: "no message within 300 ms" });
      for (;;) {
        const said = await center.next();
        if (said === fromServer("center", "local已断开连接", "disconnect")) break;
        expect(said).toBe(fromServer("center", "心跳确认", "heartbeat"));
      }
    } finally {
      clearInterval(beat);
    }
  });

  test("says nothing to a sender without a partner, unless confirm is always", async () => {
    for (const confirm of ["delivered", "always"] as const) {
      await using gateway = await start({ confirm });
      const center = await join(gateway, "center");
      center.send(envelope({ content: "anybody?" }));
      center.send(envelope({ message_type: "heartbeat" }));
      if (confirm === "always") expect(await center.next()).toBe(fromServer("center", "消息已发送", null));
      expect(await center.next()).toBe(fromServer("center", "心跳确认", "heartbeat"));
      expect(await gateway.metric('fairlead_messages_dropped_total{route="/relay",reason="absent"}')).toBe(1);
    }
  });

  test("says what is wrong with a message that is no envelope, and closes with 1008 after ten in a row", async () => {
    await using gateway = await start({ language: "en" });
    const client = await connect(gateway.ws("/relay"));
    for (let i = 0; i < 10; i += 1) client.send('{"group_id":7}');
    const error =
      '{"group_id":"","sender_type":"server","receiver_type":"","content":"group_id: expected string, received number","message_type":"error"}';
    for (let i = 0; i < 10; i += 1) expect(await client.next()).toBe(error);
    expect(await client.closed).toEqual({ code: 1008, reason: "10 messages in a row were not envelopes" });
  });

  test("ignores binary", async () => {
    await using gateway = await start();
    const { center, local } = await pair(gateway);
    center.send(new Uint8Array([1, 2, 3]));
    center.send(envelope({ content: "text" }));
    expect(await local.next()).toContain('"content":"text"');
    expect(await gateway.metric('fairlead_messages_dropped_total{route="/relay",reason="ignored"}')).toBe(1);
  });

  test("closes with 1009 past maxMessage, and answers a mebibyte of brackets while others are served", async () => {
    await using gateway = await start({ language: "en" });
    const { center, local } = await pairInEnglish(gateway);
    center.send("[".repeat(1_048_576));
    local.send(envelope({ message_type: "heartbeat" }));
    expect(await local.next()).toContain("Heartbeat confirmed");
    expect(await center.next()).toContain("JSON nested too deep: expected at most 32 levels");
    center.send("x".repeat(1_048_577));
    expect((await center.closed).code).toBe(1009);
    expect(await local.next()).toContain("center has disconnected");
  });

  test("leaves nothing behind when everybody has gone: the roles are free and no connection is counted", async () => {
    await using gateway = await start();
    for (let round = 0; round < 3; round += 1) {
      const { center, local } = await pair(gateway);
      for (const client of [center, local]) client.socket.close();
      await Promise.all([center.closed, local.closed]);
    }
    expect(await gateway.metric('fairlead_connections{route="/relay"}')).toBe(0);
  });

  test("does not read from a sender whose partner stands still, then hands everything over in order", async () => {
    await using gateway = await startGateway({
      "/relay": { kind: "relay", slow: { policy: "pause", highWater: "64KiB" } },
    });
    const center = await join(gateway, "center");
    using local = await upgrade(gateway.host, { path: "/relay" });
    local.write(frame(envelope({ sender_type: "local" })));
    await local.next();
    local.pause();
    const count = 400;
    const body = "x".repeat(100_000);
    for (let i = 0; i < count; i += 1) center.send(envelope({ content: `${i} ${body}` }));
    await standsStill(() => center.socket.bufferedAmount);
    expect(center.socket.bufferedAmount).toBeGreaterThan(1_000_000);
    local.resume();
    expect(String((await local.next()).payload)).toContain('"content":"0 xxx');
    for (let i = 1; i < count; i += 1) {
      expect(String((await local.next()).payload)).toContain(`"content":"${i} xxx`);
    }
  });
});

/** Resolves when a number has not changed for a while. A slow machine can only make that true too early. */
async function standsStill(read: () => number): Promise<void> {
  for (let same = 0, last = read(); same < 10; ) {
    await Bun.sleep(10);
    same = read() === last ? same + 1 : 0;
    last = read();
  }
}

async function pairInEnglish(gateway: TestGateway): Promise<{ center: TestClient; local: TestClient }> {
  const [center, local] = [await connect(gateway.ws("/relay")), await connect(gateway.ws("/relay"))];
  center.send(envelope({ sender_type: "center" }));
  await center.next();
  local.send(envelope({ sender_type: "local" }));
  await Promise.all([local.next(), center.next()]);
  return { center, local };
}
