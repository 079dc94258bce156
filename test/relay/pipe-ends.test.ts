import { describe, expect, test } from "bun:test";
import { pipeHouse, turnEnd } from "./pipe-house.ts";

describe("when one end of a pipe leaves", () => {
  test("the other gets all that was said, then 1000 with what happened", () => {
    const house = pipeHouse();
    const { center, local } = house.pair();
    center.say("last words");
    center.leave(1006);
    expect(local.take()).toEqual(["last words"]);
    expect(local.ended).toEqual({ code: 1000, reason: "center has left with 1006", local: true });
    expect(house.isEmpty()).toBe(true);
  });

  test("the other is closed only when nothing waits for it any more", async () => {
    const house = pipeHouse();
    const { center, local } = house.pair();
    local.stall();
    center.say("slowly");
    await turnEnd();
    center.leave();
    expect(local.isOpen).toBe(true);
    local.catchUp(1);
    expect(local.isOpen).toBe(true);
    local.catchUp();
    expect(local.ended?.code).toBe(1000);
    expect(house.isEmpty()).toBe(true);
  });

  test("the group is free at once, for a new pair that the old end does not disturb", async () => {
    const house = pipeHouse();
    const { center, local: old } = house.pair();
    old.stall();
    center.say("slowly");
    await turnEnd();
    center.leave();
    const next = house.pair();
    expect([next.center.isOpen, next.local.isOpen]).toEqual([true, true]);
    old.say("does anybody hear me?");
    next.center.say("new");
    await turnEnd();
    expect([next.center.take(), next.local.take(), old.take()]).toEqual([[], ["new"], ["slowly"]]);
    old.catchUp();
    expect([next.center.isOpen, next.local.isOpen, old.isOpen]).toEqual([true, true, false]);
    expect(house.counters.dropped.closed).toBe(1);
  });

  test("the other is read again, because its own close must be seen", async () => {
    const { pair } = pipeHouse({ slow: { policy: "pause", highWater: 10 } });
    const { center, local } = pair();
    for (const end of [center, local]) end.stall();
    for (const end of [center, local]) end.say("x".repeat(20));
    await turnEnd();
    expect(local.isPaused).toBe(true);
    center.leave();
    expect([local.isPaused, local.isOpen]).toEqual([false, true]);
  });

  test("what the other said to it in the same turn counts as closed", async () => {
    const house = pipeHouse();
    const { center, local } = house.pair();
    local.say("too late");
    center.leave();
    await turnEnd();
    expect([center.sent.length, house.counters.dropped.closed, house.isEmpty()]).toEqual([0, 1, true]);
  });
});

describe("a third peer of a pipe", () => {
  test("is refused with 4409, and the pair goes on", async () => {
    const { pair, join } = pipeHouse();
    const { center, local } = pair();
    const third = join("center");
    expect(third.ended).toMatchObject({ code: 4409, reason: "the group has a center already" });
    center.say("still here");
    await turnEnd();
    expect(local.take()).toEqual(["still here"]);
  });

  test("takes the place of one who waits under replace, and gets the partner that comes", async () => {
    const house = pipeHouse({ third: "replace" });
    const old = house.join("center");
    old.say("old words");
    const center = house.join("center");
    expect(old.ended).toMatchObject({ code: 4590 });
    const local = house.join("local");
    center.say("new words");
    await turnEnd();
    expect(local.take()).toEqual(["new words"]);
    expect(house.counters.dropped.absent).toBe(1);
  });

  test("ends a pair under replace: 4590 and 1000, and waits itself for a new partner", async () => {
    const house = pipeHouse({ third: "replace" });
    const { center: old, local } = house.pair();
    old.say("last words");
    const center = house.join("center");
    expect(local.take()).toEqual(["last words"]);
    expect([old.ended?.code, local.ended?.code, center.isOpen]).toEqual([4590, 1000, true]);
    expect(house.route.stats()).toMatchObject({ pairs: 0, waiting: 1 });
    const next = house.join("local");
    center.say("hello");
    await turnEnd();
    expect(next.take()).toEqual(["hello"]);
  });
});

describe("when the gateway stops, a pipe", () => {
  const stop = ({ route }: ReturnType<typeof pipeHouse>, ...ends: Parameters<typeof route.close>[0][]) => {
    for (const end of ends) if (end.isOpen) route.finish?.(end, 1012, "service restart");
  };

  test("closes both with 1012, because neither has left", () => {
    const house = pipeHouse();
    const { center, local } = house.pair();
    stop(house, center, local);
    expect([center.ended?.code, local.ended?.code, house.isEmpty()]).toEqual([1012, 1012, true]);
  });

  test("hands over what was said before, then closes", async () => {
    const house = pipeHouse();
    const { center, local } = house.pair();
    local.stall();
    center.say("last words");
    stop(house, center, local);
    expect([center.ended?.code, local.isOpen, local.sent]).toEqual([1012, true, ["last words"]]);
    local.catchUp();
    expect([local.ended?.code, house.isEmpty()]).toEqual([1012, true]);
  });

  test("closes one who waits, and tells one whose partner had left before of that", async () => {
    const house = pipeHouse();
    const waiting = house.join("center", "w");
    const { center, local } = house.pair();
    local.stall();
    center.say("slowly");
    await turnEnd();
    center.leave();
    stop(house, waiting, local);
    local.catchUp();
    expect([waiting.ended?.code, local.ended?.code]).toEqual([1012, 1000]);
  });

  test("stops its timer", async () => {
    const house = pipeHouse();
    expect(house.clock.pending).toBe(1);
    await house.route.dispose();
    expect(house.clock.pending).toBe(0);
  });
});
