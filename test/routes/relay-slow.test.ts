import { describe, expect, test } from "bun:test";
import { envelope, heard, relayHouse } from "./relay-house.ts";

const SENT = "-: 消息已发送";

describe("relay: a slow partner", () => {
  const MARK = 10_000;
  const big = envelope({ content: "x".repeat(2 * MARK) });

  function stalledPair(policy: "pause" | "close") {
    const house = relayHouse({ slow: { policy, highWater: MARK }, timeout: 1_000 });
    const [sender, reader] = [house.join("g", "center"), house.join("g", "local")];
    sender.take();
    reader.stall();
    sender.say(big);
    return { house, sender, reader };
  }

  test("pauses the sender past the mark and resumes it below half of that", () => {
    const { house, sender, reader } = stalledPair("pause");
    expect([sender.isPaused, house.route.stats()["paused"]]).toEqual([true, 2]);
    reader.catchUp(MARK / 2 + 1);
    expect(sender.isPaused).toBe(true);
    reader.catchUp(MARK / 2);
    expect([sender.isPaused, house.route.stats()["paused"]]).toEqual([false, 0]);
  });

  test("still gets what had been read before the pause, in order", () => {
    const { sender, reader } = stalledPair("pause");
    for (let i = 0; i < 10; i += 1) sender.say(envelope({ content: String(i) }));
    expect(heard(reader).slice(1)).toEqual(Array.from({ length: 10 }, (_, i) => `-: ${i}`));
  });

  test("lets the sender go on when it leaves", () => {
    const { sender, reader } = stalledPair("pause");
    reader.leave();
    expect(sender.isPaused).toBe(false);
    expect(heard(sender)).toEqual([SENT, "disconnect: local已断开连接"]);
  });

  test("stops its next partner too", () => {
    const { house, sender, reader } = stalledPair("pause");
    sender.leave();
    const next = house.join("g", "center");
    expect(next.isPaused).toBe(true);
    reader.catchUp();
    expect(next.isPaused).toBe(false);
  });

  test("costs nobody the connection for silence while we do not read", () => {
    const { house, sender, reader } = stalledPair("pause");
    house.clock.advance(10_000);
    expect([sender.isOpen, reader.isOpen]).toEqual([true, true]);
    reader.catchUp();
    house.clock.advance(2_000);
    expect([sender.ended?.code, reader.ended?.code]).toEqual([4408, 4408]);
  });

  test("is closed with 1013 when the policy is close, and its sender goes on", () => {
    const { house, sender, reader } = stalledPair("close");
    expect(reader.ended).toMatchObject({ code: 1013, reason: "slow consumer: more than 10000 bytes wait" });
    expect([sender.isOpen, sender.isPaused]).toEqual([true, false]);
    expect(heard(sender)).toEqual(["disconnect: local已断开连接", SENT]);
    expect(house.route.stats()).toMatchObject({ groups: 1, peers: 1 });
  });

  test("is never announced when its own greeting was already too much for it", () => {
    const house = relayHouse({ slow: { policy: "close", highWater: 1 } });
    const center = house.join("g", "center");
    const local = house.open();
    local.stall();
    local.say(envelope({ sender_type: "local" }));
    expect(local.ended?.code).toBe(1013);
    expect(heard(center)).toEqual([]);
    expect(house.route.stats()).toMatchObject({ groups: 1, peers: 1 });
  });

  test("may be the sender itself, who does not read its confirmations and is not read either", () => {
    const house = relayHouse({ slow: { policy: "pause", highWater: 1_000 } });
    const [sender, reader] = [house.join("g", "center"), house.join("g", "local")];
    sender.stall();
    for (let i = 0; i < 20; i += 1) sender.say(envelope());
    expect([sender.isPaused, reader.isPaused]).toEqual([true, true]);
    sender.catchUp();
    expect([sender.isPaused, reader.isPaused]).toEqual([false, false]);
  });

  test("gets nothing more once it is closed, and that counts as absent", () => {
    const house = relayHouse();
    const [sender, reader] = [house.join("g", "center"), house.join("g", "local")];
    sender.take();
    Object.defineProperty(reader, "isOpen", { value: false });
    sender.say(envelope());
    expect([reader.sent.length, sender.sent.length, house.counters.dropped.absent]).toEqual([0, 0, 1]);
  });
});
