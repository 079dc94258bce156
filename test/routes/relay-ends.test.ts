import { describe, expect, test } from "bun:test";
import { envelope, heard, relayHouse, told } from "./relay-house.ts";

describe("relay: leaving", () => {
  test("tells the partner and closes with 1000 when a peer says disconnect, and the role is free by then", () => {
    const house = relayHouse();
    const [center, local] = [house.join("g", "center"), house.join("g", "local")];
    center.take();
    const close = local.close;
    local.close = (code, reason) => {
      expect([house.claims.count, center.sent.length]).toEqual([1, 1]);
      close(code, reason);
    };
    local.say(envelope({ message_type: "disconnect" }));
    expect(local.ended).toEqual({ code: 1000, reason: "disconnect", local: true });
    expect(local.take()).toEqual([]);
    expect(told(center)).toEqual([
      {
        group_id: "g",
        sender_type: "server",
        receiver_type: "center",
        content: "local已断开连接",
        message_type: "disconnect",
      },
    ]);
  });

  test("tells the partner once, however a peer goes", () => {
    for (const code of [1000, 1001, 1006, 1009]) {
      const house = relayHouse();
      const [center, local] = [house.join("g", "center"), house.join("g", "local")];
      local.take();
      center.leave(code);
      expect(heard(local)).toEqual(["disconnect: center已断开连接"]);
    }
  });

  test("closes a silent peer with 4408 and tells its partner, registered or not", () => {
    const house = relayHouse({ timeout: 30_000 });
    const [silent, local, unregistered] = [house.join("g", "center"), house.join("g", "local"), house.open()];
    for (let i = 0; i < 3; i += 1) {
      house.clock.advance(9_900);
      local.say(envelope({ message_type: "heartbeat" }));
    }
    local.take();
    expect([silent.isOpen, unregistered.isOpen]).toEqual([true, true]);
    house.clock.advance(1_300);
    expect(silent.ended).toEqual({ code: 4408, reason: "no message within 30000 ms", local: true });
    expect(unregistered.ended?.code).toBe(4408);
    expect(local.isOpen).toBe(true);
    expect(heard(local)).toEqual(["disconnect: center已断开连接"]);
  });

  test("takes any message as a sign of life", () => {
    for (const sign of [envelope({ message_type: "heartbeat" }), envelope(), "rubbish", new Uint8Array(1)]) {
      const house = relayHouse({ timeout: 30_000 });
      const conn = house.join("g", "center");
      for (let i = 0; i < 9; i += 1) {
        house.clock.advance(20_000);
        conn.say(sign);
      }
      expect(conn.isOpen).toBe(true);
    }
  });

  test("closes nobody for silence when the timeout is 0, and owns no timer then", () => {
    const house = relayHouse({ timeout: 0 });
    const conn = house.join("g", "center");
    expect(house.clock.pending).toBe(0);
    house.clock.advance(1_000_000);
    expect(conn.isOpen).toBe(true);
  });

  test("owns no timer any more once it is disposed of", async () => {
    const house = relayHouse();
    expect(house.clock.pending).toBe(1);
    await house.route.dispose();
    expect(house.clock.pending).toBe(0);
  });

  test("says in the log's fields where a connection belongs, also after its end", () => {
    const house = relayHouse();
    const conn = house.open();
    expect(house.route.describe?.(conn)).toEqual({});
    conn.say(envelope());
    conn.leave();
    expect(house.route.describe?.(conn)).toEqual({ group: "g", role: "center" });
  });
});

describe("relay: bad messages", () => {
  test("answers each and keeps the connection and its role", () => {
    const house = relayHouse();
    const [center, local] = [house.join("g", "center"), house.join("g", "local")];
    center.take();
    local.say(envelope({ content: { deep: 1 } }));
    expect(told(local)).toEqual([
      {
        group_id: "g",
        sender_type: "server",
        receiver_type: "local",
        content: "content：应为 string，收到 object",
        message_type: "error",
      },
    ]);
    local.say(envelope({ content: "ok" }));
    expect(heard(center)).toEqual(["-: ok"]);
  });

  test("closes with 1008 after ten in a row, each of them answered", () => {
    const house = relayHouse();
    const [center, local] = [house.join("g", "center"), house.join("g", "local")];
    center.take();
    for (let i = 0; i < 9; i += 1) local.say("rubbish");
    expect(local.isOpen).toBe(true);
    local.say("rubbish");
    expect(local.ended).toMatchObject({ code: 1008, reason: "10 messages in a row were not envelopes" });
    expect(local.take().length).toBe(10);
    expect(heard(center)).toEqual(["disconnect: local已断开连接"]);
  });

  test("starts to count again with each good message", () => {
    const house = relayHouse();
    const conn = house.open();
    const nine = () => {
      for (let i = 0; i < 9; i += 1) conn.say("rubbish");
    };
    nine();
    conn.say(envelope());
    nine();
    conn.say(envelope({ message_type: "heartbeat" }));
    nine();
    expect(conn.isOpen).toBe(true);
  });

  test("counts first messages that cannot register among them", () => {
    const house = relayHouse();
    const conn = house.open();
    for (let i = 0; i < 10; i += 1) conn.say(envelope({ group_id: "" }));
    expect(conn.ended?.code).toBe(1008);
  });

  test("refuses a mebibyte of brackets without building what they stand for", () => {
    const house = relayHouse({ language: "en" });
    const conn = house.join("g", "center");
    for (const text of ["[".repeat(1 << 20), `${"[".repeat(1 << 19)}${"]".repeat(1 << 19)}`]) {
      conn.say(text);
      expect(heard(conn)).toEqual(["error: JSON nested too deep: expected at most 32 levels"]);
    }
  });
});
