import { describe, expect, test } from "bun:test";
import { DESERTED, envelope, heard, relayHouse, told } from "./relay-house.ts";

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const SENT = "-: 消息已发送";

describe("relay: registering", () => {
  test("tells the first envelope's sender its id, with the five fields in order", () => {
    const house = relayHouse();
    const conn = house.open();
    conn.say(envelope({ group_id: "lab", sender_type: "local" }));
    const text = String(conn.sent[0]);
    expect(text).toStartWith(
      '{"group_id":"lab","sender_type":"server","receiver_type":"local","content":"连接成功，您的ID是: ',
    );
    expect(text).toEndWith('","message_type":null}');
    expect(told(conn)[0]?.content.split(": ")[1]).toMatch(UUID_V4);
  });

  test("tells the one already there that its partner came, and the one who comes nothing of it", () => {
    const house = relayHouse();
    const center = house.join("g", "center");
    const local = house.open();
    local.say(envelope({ sender_type: "local" }));
    expect(told(center)).toEqual([
      {
        group_id: "g",
        sender_type: "server",
        receiver_type: "center",
        content: "local已上线连接",
        message_type: "connect",
      },
    ]);
    expect(heard(local)).toEqual([expect.stringContaining("连接成功")]);
  });

  test("never forwards the first envelope, whatever its message_type", () => {
    for (const message_type of [null, "heartbeat", "disconnect", "x"]) {
      const house = relayHouse();
      const center = house.join("g", "center");
      const local = house.open();
      local.say(envelope({ sender_type: "local", receiver_type: "center", content: "secret", message_type }));
      expect(heard(center)).toEqual(["connect: local已上线连接"]);
      expect(heard(local)).toEqual([expect.stringContaining("连接成功")]);
      expect(local.isOpen).toBe(true);
    }
  });

  test("turns away who wants a role that is taken, with a message and then 4409, and leaves the holder alone", () => {
    const house = relayHouse();
    const holder = house.join("g", "center");
    const late = house.open();
    late.say(envelope());
    expect(told(late)).toEqual([
      {
        group_id: "g",
        sender_type: "server",
        receiver_type: "center",
        content: "连接被拒绝：同组内已存在相同类型的客户端",
        message_type: "rejection",
      },
    ]);
    expect(late.ended).toEqual({ code: 4409, reason: "the group has a center already", local: true });
    expect(heard(holder)).toEqual([]);
    expect(house.route.stats()).toEqual({ ...DESERTED, groups: 1, peers: 1 });
  });

  test("gives a role to the next one when its holder has left", () => {
    const house = relayHouse();
    house.join("g", "center").leave();
    expect(house.join("g", "center").isOpen).toBe(true);
  });

  test("keeps groups apart: nobody hears of another group", () => {
    const house = relayHouse();
    const [a, b] = [house.join("a", "center"), house.join("b", "center")];
    const local = house.join("a", "local");
    local.say(envelope({ content: "for a", group_id: "b" }));
    local.leave();
    expect(heard(a)).toEqual(["connect: local已上线连接", "-: for a", "disconnect: local已断开连接"]);
    expect(heard(b)).toEqual([]);
  });

  test("answers a first message that cannot register, and registers a later one", () => {
    const house = relayHouse({ language: "en" });
    const conn = house.open();
    conn.say(envelope({ sender_type: "boss" }));
    expect(told(conn)).toEqual([
      {
        group_id: "",
        sender_type: "server",
        receiver_type: "",
        content: 'sender_type: expected center or local, received "boss"',
        message_type: "error",
      },
    ]);
    conn.say(envelope());
    expect(heard(conn)).toEqual([expect.stringMatching(/^-: Connected, your ID is: /)]);
  });

  test("says everything in English when the language is en", () => {
    const house = relayHouse({ language: "en" });
    const center = house.join("g", "center");
    const local = house.join("g", "local");
    local.say(envelope({ content: "x" }));
    local.say(envelope({ message_type: "heartbeat" }));
    const late = house.open();
    late.say(envelope());
    expect(heard(late)).toEqual([
      "rejection: Connection refused: the group already has a client of this type",
    ]);
    expect(heard(local)).toEqual(["-: Message sent", "heartbeat: Heartbeat confirmed"]);
    local.leave();
    expect(heard(center)).toEqual(["connect: local is online", "-: x", "disconnect: local has disconnected"]);
  });
});

describe("relay: talking", () => {
  test("hands a message over with the sender's own group and role, and confirms it", () => {
    const house = relayHouse();
    const [center, local] = [house.join("g", "center"), house.join("g", "local")];
    center.take();
    local.say(
      envelope({
        group_id: "forged",
        sender_type: "center",
        receiver_type: "center",
        content: "你好 \u0000\ud83d",
        message_type: "rejection",
        more: 1,
      }),
    );
    expect(center.take()).toEqual([
      '{"group_id":"g","sender_type":"local","receiver_type":"center","content":"你好 \\u0000\\ud83d","message_type":"rejection"}',
    ]);
    expect(local.take()).toEqual([
      '{"group_id":"g","sender_type":"server","receiver_type":"local","content":"消息已发送","message_type":null}',
    ]);
    expect(house.counters).toMatchObject({ due: 1, delivered: 1 });
  });

  test("makes the other role of any receiver_type but center and local", () => {
    const house = relayHouse();
    const [center, local] = [house.join("g", "center"), house.join("g", "local")];
    for (const receiver_type of ["server", "", "Local", "x".repeat(300)]) {
      center.say(envelope({ receiver_type }));
    }
    expect(told(local).map((message) => message.receiver_type)).toEqual(Array(4).fill("local"));
  });

  test("gives nobody what a role addresses to itself, without confirmation, and counts it", () => {
    for (const confirm of ["delivered", "always"] as const) {
      const house = relayHouse({ confirm });
      const [center, local] = [house.join("g", "center"), house.join("g", "local")];
      center.take();
      center.say(envelope({ receiver_type: "center", content: "me" }));
      expect([...heard(center), ...heard(local)]).toEqual([]);
      expect(house.counters).toMatchObject({ due: 1, delivered: 0, dropped: { ignored: 1, absent: 0 } });
    }
  });

  test("keeps the order of each sender", () => {
    const house = relayHouse();
    const [center, local] = [house.join("g", "center"), house.join("g", "local")];
    center.take();
    for (let i = 0; i < 100; i += 1) {
      center.say(envelope({ content: `c${i}` }));
      local.say(envelope({ content: `l${i}` }));
    }
    const contents = (all: string[], own: string) => all.filter((line) => line.startsWith(`-: ${own}`));
    expect(contents(heard(local), "c")).toEqual(Array.from({ length: 100 }, (_, i) => `-: c${i}`));
    expect(contents(heard(center), "l")).toEqual(Array.from({ length: 100 }, (_, i) => `-: l${i}`));
  });

  test("confirms nothing without a partner, but counts what was lost", () => {
    const house = relayHouse();
    const center = house.join("g", "center");
    center.say(envelope({ content: "anybody?" }));
    expect(heard(center)).toEqual([]);
    expect(house.counters).toMatchObject({ due: 1, delivered: 0, dropped: { absent: 1 } });
  });

  test("confirms without a partner too when confirm is always", () => {
    const house = relayHouse({ confirm: "always" });
    const center = house.join("g", "center");
    center.say(envelope());
    expect(heard(center)).toEqual([SENT]);
    expect(house.counters.dropped.absent).toBe(1);
  });

  test("never confirms when confirm is false", () => {
    const house = relayHouse({ confirm: false });
    const [center, local] = [house.join("g", "center"), house.join("g", "local")];
    local.say(envelope({ content: "x" }));
    expect(heard(local)).toEqual([]);
    expect(heard(center)).toEqual(["connect: local已上线连接", "-: x"]);
  });

  test("answers a heartbeat and forwards none", () => {
    const house = relayHouse();
    const [center, local] = [house.join("g", "center"), house.join("g", "local")];
    center.take();
    local.say(envelope({ content: "心跳", message_type: "heartbeat" }));
    expect(told(local)).toEqual([
      {
        group_id: "g",
        sender_type: "server",
        receiver_type: "local",
        content: "心跳确认",
        message_type: "heartbeat",
      },
    ]);
    expect(heard(center)).toEqual([]);
  });

  test("ignores binary, before and after registering, and counts it", () => {
    const house = relayHouse();
    const conn = house.open();
    conn.say(new Uint8Array([1]));
    conn.say(envelope());
    conn.take();
    conn.say(new Uint8Array([2]));
    expect([conn.take(), conn.isOpen]).toEqual([[], true]);
    expect(house.counters).toMatchObject({ due: 2, dropped: { ignored: 2 } });
  });
});
