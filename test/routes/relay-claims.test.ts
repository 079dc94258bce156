import { describe, expect, test } from "bun:test";
import { lateClaims } from "../late-claims.ts";
import { DESERTED, envelope, heard, relayHouse } from "./relay-house.ts";

describe("relay: claims that answer late", () => {
  test("ask for a name of the route, the group and the role, for as long as the connection lives", () => {
    const late = lateClaims();
    const conn = relayHouse({}, late.claims).open();
    conn.say(envelope());
    expect(late.asked[0]?.name).toBe("/relay\0g\0center");
    expect(late.asked[0]?.options).toMatchObject({ holder: conn.id, lease: 0, takeOver: false });
  });

  test("pause the peer, keep what it says meanwhile, and go on with it in order", () => {
    const late = lateClaims();
    const house = relayHouse({}, late.claims);
    const conn = house.open();
    conn.say(envelope());
    expect([conn.isPaused, house.route.stats()["paused"]]).toEqual([true, 1]);
    conn.say(envelope({ message_type: "heartbeat" }));
    conn.say("rubbish");
    expect(conn.sent).toEqual([]);
    late.grant(0);
    expect(heard(conn)).toEqual([
      expect.stringContaining("连接成功"),
      "heartbeat: 心跳确认",
      expect.stringContaining("error: 不是JSON"),
    ]);
    expect(conn.isPaused).toBe(false);
  });

  test("drop the rest of what was kept when one of it was disconnect", () => {
    const late = lateClaims();
    const house = relayHouse({}, late.claims);
    const conn = house.open();
    conn.say(envelope());
    conn.say(envelope({ message_type: "disconnect" }));
    conn.say(envelope({ content: "too late" }));
    late.grant(0);
    expect(heard(conn)).toEqual([expect.stringContaining("连接成功")]);
    expect(conn.ended?.code).toBe(1000);
    expect([late.released(), house.counters.due]).toEqual([1, 0]);
  });

  test("close with 1008 who says more than 1,024 messages meanwhile", () => {
    const late = lateClaims();
    const house = relayHouse({}, late.claims);
    const conn = house.open();
    conn.say(envelope());
    for (let i = 0; i < 1_024; i += 1) conn.say(envelope());
    expect(conn.isOpen).toBe(true);
    conn.say(envelope());
    expect(conn.ended?.code).toBe(1008);
    expect(house.route.stats()).toEqual(DESERTED);
  });

  test("are given back when the peer has left before the answer", () => {
    const late = lateClaims();
    const house = relayHouse({}, late.claims);
    const conn = house.open();
    conn.say(envelope());
    conn.leave();
    late.grant(0);
    expect(late.released()).toBe(1);
    expect(house.route.stats()).toEqual(DESERTED);
  });

  test("resume a peer before it is turned away", () => {
    const late = lateClaims();
    const conn = relayHouse({}, late.claims).open();
    conn.say(envelope());
    late.asked[0]?.done({ takenBy: "somebody" });
    expect([conn.isPaused, conn.ended?.code]).toEqual([false, 4409]);
  });

  test("close with 1013 and a warning when the engine is down", () => {
    const late = lateClaims();
    const house = relayHouse({}, late.claims);
    const conn = house.open();
    conn.say(envelope());
    late.asked[0]?.done({ code: "engine_down", text: "no route to the engine" });
    expect(conn.ended?.code).toBe(1013);
    expect(house.log.lines).toEqual([
      {
        level: "warn",
        text: "! no claim",
        conn: conn.id,
        route: "/relay",
        code: 1013,
        reason: "no route to the engine",
      },
    ]);
  });

  test("end the connection with 4409 when the role is lost, and the partner is told", () => {
    const late = lateClaims();
    const house = relayHouse({}, late.claims);
    const [center, local] = [house.open(), house.open()];
    center.say(envelope());
    local.say(envelope({ sender_type: "local" }));
    for (const at of late.asked.keys()) late.grant(at);
    local.take();
    late.asked[0]?.options.onLost("taken");
    expect(center.ended?.code).toBe(4409);
    expect(heard(local)).toEqual(["disconnect: center已断开连接"]);
  });
});
