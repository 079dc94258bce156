import { describe, expect } from "bun:test";
import type { FakeConnection } from "../../../fake-connection.ts";
import { sharedRedis } from "../../../redis-house.ts";
import { requires } from "../../../requires.ts";
import { envelope, heard, told } from "../../../routes/relay-house.ts";
import { send, twoNodes } from "./relay-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");
const url = async () => (await redis()).url;
const say = (conn: FakeConnection, content: string, more = {}) => conn.say(envelope({ content, ...more }));

describe("two plain clients on two nodes", () => {
  test("hear the same as on one: greeting, partner, messages, confirmations, going", async () => {
    await using house = await twoNodes(await url());
    const center = house.a.openPlain();
    center.say(envelope());
    await house.rest();
    expect(told(center)).toEqual([
      {
        group_id: "g",
        sender_type: "server",
        receiver_type: "center",
        content: expect.stringMatching(/^连接成功，您的ID是: [\da-f]{8}-[\da-f-]{27}$/),
        message_type: null,
      },
    ]);
    const local = await house.b.plain("local");
    expect(heard(center)).toEqual(["connect: local已上线连接"]);
    say(center, "hello", { message_type: "greeting", group_id: "other", sender_type: "local" });
    say(center, "again");
    await house.rest();
    expect(told(local)).toEqual([
      {
        group_id: "g",
        sender_type: "center",
        receiver_type: "local",
        content: "hello",
        message_type: "greeting",
      },
      { group_id: "g", sender_type: "center", receiver_type: "local", content: "again", message_type: null },
    ]);
    expect(heard(center)).toEqual(["-: 消息已发送", "-: 消息已发送"]);
    say(local, "", { sender_type: "local", message_type: "heartbeat" });
    expect(heard(local)).toEqual(["heartbeat: 心跳确认"]);
    say(local, "", { sender_type: "local", message_type: "disconnect" });
    expect(local.ended?.code).toBe(1000);
    await house.rest();
    expect(heard(center)).toEqual(["disconnect: local已断开连接"]);
    await house.b.plain("local");
    expect(heard(center)).toEqual(["connect: local已上线连接"]);
  });

  test("pass contents letter for letter, halves of characters too", async () => {
    await using house = await twoNodes(await url());
    const [center, local] = [await house.a.plain("center"), await house.b.plain("local")];
    const content = '"\\ud800 \\u0000 \\u2028 / é 漢 😀"';
    center.take();
    center.say(
      `{"group_id":"g","sender_type":"center","receiver_type":"","content":${content},"message_type":"\\udc00"}`,
    );
    await house.rest();
    expect(told(local)).toMatchObject([{ content: JSON.parse(content), message_type: "\udc00" }]);
  });

  test("are not confirmed what nobody was there for, which is counted, unless confirm is always", async () => {
    await using house = await twoNodes(await url());
    const center = await house.a.plain("center");
    say(center, "into the void");
    await house.rest();
    expect(heard(center)).toEqual([]);
    expect(house.tally()).toMatchObject({ due: 1, dropped: { absent: 1 } });
    await using other = await twoNodes((await redis()).url, { confirm: "always" });
    const eager = await other.a.plain("center");
    say(eager, "into the void");
    await other.rest();
    expect(heard(eager)).toEqual(["-: 消息已发送"]);
  });

  test("wait for an absent partner with queue.plain; the confirmation comes when it is handed over", async () => {
    const queue = { size: 4, bytes: 0, total: 0, ttl: 30_000, plain: true };
    await using house = await twoNodes(await url(), { queue });
    const center = await house.a.plain("center");
    for (const content of ["a", "b"]) say(center, content);
    await house.rest();
    expect(heard(center)).toEqual([]);
    const local = house.b.openPlain();
    local.say(envelope({ sender_type: "local" }));
    await house.rest();
    expect(
      told(local)
        .map(({ content }) => content)
        .slice(1),
    ).toEqual(["a", "b"]);
    expect(heard(center)).toEqual(["connect: local已上线连接", "-: 消息已发送", "-: 消息已发送"]);
  });

  test("are refused a role that is taken at another node, in words and with 4409", async () => {
    await using house = await twoNodes(await url());
    await house.a.plain("center");
    const third = house.b.openPlain();
    third.say(envelope());
    await house.rest();
    expect(heard(third)).toEqual(["rejection: 连接被拒绝：同组内已存在相同类型的客户端"]);
    expect(third.ended?.code).toBe(4409);
  });

  test("stand by for a role at another node: heartbeats are answered, the rest is absent", async () => {
    await using house = await twoNodes(await url(), { third: "standby" });
    const holder = await house.a.plain("center");
    const next = await house.b.plain("center");
    say(next, "", { message_type: "heartbeat" });
    say(next, "lost");
    expect(heard(next)).toEqual(["heartbeat: 心跳确认"]);
    expect(house.tally().dropped.absent).toBe(1);
    holder.leave();
    await house.rest();
    expect(heard(next)[0]).toMatch(/^-: 连接成功/);
  });

  test("keep what is said before the role was given, in order, and no more than 1,024 messages", async () => {
    await using house = await twoNodes(await url());
    const local = await house.b.plain("local");
    const center = house.a.openPlain();
    center.say(envelope());
    for (let n = 1; n <= 5; n += 1) say(center, `${n}`);
    expect(center.isPaused).toBe(true);
    await house.rest();
    expect(center.isPaused).toBe(false);
    expect(heard(local).slice(1)).toEqual(["-: 1", "-: 2", "-: 3", "-: 4", "-: 5"]);
    const flood = house.a.openPlain();
    for (let n = 0; n <= 1_025 && flood.isOpen; n += 1) flood.say(envelope({ group_id: "h" }));
    expect(flood.ended?.code).toBe(1008);
  });

  test("are paused when the partner takes nothing, lose nothing, and go on when it does", async () => {
    const queue = { size: 8, bytes: 0, total: 0, ttl: 30_000, plain: false };
    const slow = { policy: "pause", highWater: 100 } as const;
    await using house = await twoNodes(await url(), { queue, slow, confirm: false });
    const [center, local] = [await house.a.plain("center"), await house.b.plain("local")];
    local.stall();
    const all = Array.from({ length: 40 }, (_, n) => `${n} `.padEnd(50, "."));
    for (const content of all) say(center, content);
    await house.rest();
    expect(center.isPaused).toBe(true);
    for (let turn = 0; turn < 20; turn += 1) {
      local.catchUp();
      await house.rest();
    }
    expect(center.isPaused).toBe(false);
    expect(told(local).map(({ content }) => content)).toEqual(all);
  });

  test("are closed with 1013 when they are slow under policy close; the partner is told", async () => {
    const slow = { policy: "close", highWater: 100 } as const;
    await using house = await twoNodes(await url(), { slow });
    const [center, local] = [await house.a.plain("center"), await house.b.plain("local")];
    center.take();
    local.stall();
    say(center, "x".repeat(300));
    await house.rest();
    expect(local.ended?.code).toBe(1013);
    expect(heard(center)).toEqual(["disconnect: local已断开连接"]);
  });

  test("are closed with 4408 when silent, and the partner is told; nobody is before", async () => {
    await using house = await twoNodes(await url(), { timeout: 30_000 });
    const [center, local] = [await house.a.plain("center"), await house.b.plain("local")];
    center.take();
    await house.pass(20_000);
    say(center, "", { message_type: "heartbeat" });
    await house.pass(9_900);
    expect(local.isOpen).toBe(true);
    await house.pass(1_200);
    expect(local.ended?.code).toBe(4408);
    expect(heard(center)).toEqual(["heartbeat: 心跳确认", "disconnect: local已断开连接"]);
  });
});

describe("a plain client and one of fairlead.v1 on two nodes", () => {
  test("understand each other: content is data, JSON is its text, handing over is delivered", async () => {
    await using house = await twoNodes(await url());
    const v1 = await house.a.join("center");
    const plain = await house.b.plain("local");
    v1.say(send("a", { data: "text" }));
    v1.say(send("b", { data: { n: 1 } }));
    expect(await v1.heard()).toEqual(["local online joined", "receipt 1 delivered", "receipt 2 delivered"]);
    expect(heard(plain)).toEqual(["-: text", '-: {"n":1}']);
    say(plain, "hello", { sender_type: "local", message_type: "status" });
    expect(await v1.told()).toEqual([{ t: "data", seq: 1, from: "local", type: "status", data: "hello" }]);
    expect(heard(plain)).toEqual([]);
    v1.say({ t: "ack", upto: 1 });
    await house.rest();
    expect(heard(plain)).toEqual(["-: 消息已发送"]);
  });

  test("have no binary: it is refused, and dropped if it waited when a plain one came", async () => {
    await using house = await twoNodes(await url());
    const v1 = await house.a.join("center");
    const header = '{"t":"send","id":9,"idem":"a"}';
    const frame = Buffer.concat([Buffer.from([0, header.length]), Buffer.from(header), Buffer.from([1, 2])]);
    v1.conn.say(frame);
    await house.rest();
    await house.b.plain("local");
    expect((await v1.heard()).slice(1)).toEqual(["local online joined", "receipt 1 dropped"]);
    const again = header.replace('"id":9', '"id":19').replace('"a"', '"b"');
    v1.conn.say(Buffer.concat([Buffer.from([0, again.length]), Buffer.from(again), Buffer.from([1, 2])]));
    expect(await v1.heard()).toEqual(["err bad_request"]);
  });

  test("pause the plain one when the other acknowledges nothing, until it does", async () => {
    const queue = { size: 8, bytes: 0, total: 0, ttl: 30_000, plain: false };
    await using house = await twoNodes(await url(), { queue });
    const [plain, v1] = [await house.a.plain("center"), await house.b.join("local")];
    for (let n = 1; n <= 30; n += 1) say(plain, `${n}`);
    await house.rest();
    expect(plain.isPaused).toBe(true);
    const got: unknown[] = [];
    for (let turn = 0; turn < 20; turn += 1) {
      const data = (await v1.told()).filter(({ t }) => t === "data");
      got.push(...data.map((frame) => frame["data"]));
      v1.say({ t: "ack", upto: Number(data.at(-1)?.["seq"] ?? 0) });
    }
    expect(got).toEqual(Array.from({ length: 30 }, (_, n) => `${n + 1}`));
    expect(plain.isPaused).toBe(false);
    expect(house.tally()).toMatchObject({ due: 30, delivered: 30 });
  });
});
