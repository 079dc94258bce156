import { describe, expect, test } from "bun:test";
import { pipeHouse, turnEnd } from "./pipe-house.ts";

const bytes = (...of: number[]) => new Uint8Array(of);

describe("a pipe", () => {
  test("hands over frames as they are, text and binary, both ways, and adds none", async () => {
    const { pair, counters } = pipeHouse();
    const { center, local } = pair();
    const said = ["hello", bytes(1, 2), "", bytes(), '{"message_type":"disconnect"}'];
    for (const data of said) center.say(data);
    for (const data of said.toReversed()) local.say(data);
    await turnEnd();
    expect(local.take()).toEqual(said);
    expect(center.take()).toEqual(said.toReversed());
    expect([counters.due, counters.delivered]).toEqual([10, 10]);
  });

  test("keeps groups apart", async () => {
    const { pair } = pipeHouse();
    const [one, two] = [pair("one"), pair("two")];
    one.center.say("1");
    two.center.say("2");
    await turnEnd();
    expect([one.local.take(), two.local.take()]).toEqual([["1"], ["2"]]);
  });

  test("claims a name of the route, the group and the role", () => {
    const asked: string[] = [];
    pipeHouse({}, { claim: (name) => void asked.push(name) }).pair();
    expect(asked).toEqual(["/pipe\0g\0center", "/pipe\0g\0local"]);
  });

  test("closes with 4500 and the reason if the URL names no group or no role, and takes nothing", () => {
    const house = pipeHouse();
    const ends = ["role=center", "group=g", ""].map((query) => house.visit(query).ended);
    expect(ends).toEqual([
      { code: 4500, reason: expect.stringContaining("group in the URL"), local: true },
      { code: 4500, reason: expect.stringContaining("role in the URL"), local: true },
      { code: 4500, reason: expect.stringContaining("role in the URL"), local: true },
    ]);
    expect(house.isEmpty()).toBe(true);
  });

  test("says of a connection where it belongs, and how many there are", () => {
    const { join, pair, route } = pipeHouse();
    const waiting = join("local", "w");
    pair();
    expect(route.describe?.(waiting)).toEqual({ group: "w", role: "local" });
    expect(route.stats()).toEqual({ pairs: 1, waiting: 1, paused: 0, queued: 0 });
  });
});

describe("a pipe's subprotocol", () => {
  test("is the first one that is offered, and none if none is", () => {
    const { admit } = pipeHouse();
    expect(admit("group=g&role=center", ["mqtt", "binary"]).protocol).toBe("mqtt");
    expect(admit("group=g&role=center")).not.toHaveProperty("protocol");
  });

  test("is never one of the gateway's own, which it would have to speak", () => {
    const { admit } = pipeHouse();
    expect(admit("group=g&role=center", ["fairlead.v1"])).not.toHaveProperty("protocol");
    expect(admit("group=g&role=center", ["fairlead.v1", "fairlead.bridge.v1", "mqtt"]).protocol).toBe("mqtt");
  });

  test("is that of the one who waits if both offer it", () => {
    const { admit, visit } = pipeHouse();
    const chosen = (...offered: string[]) => admit("group=g&role=local", offered).protocol;
    expect(chosen("b", "a")).toBe("b");
    visit("group=g&role=center", ["a"]);
    expect([chosen("b", "a"), chosen("c"), chosen()]).toEqual(["a", "c", undefined]);
  });
});

describe("who waits in a pipe", () => {
  test("loses nothing of what it says: its partner gets it first, in order", async () => {
    const { join, route, counters } = pipeHouse();
    const center = join("center");
    const said = ["hello", bytes(7), ""];
    for (const data of said) center.say(data);
    expect(route.stats()).toMatchObject({ waiting: 1, queued: 3 });
    expect([counters.due, counters.delivered]).toEqual([3, 0]);
    const local = join("local");
    center.say("next");
    await turnEnd();
    expect(local.take()).toEqual([...said, "next"]);
    expect([counters.due, counters.delivered, route.stats()["queued"]]).toEqual([4, 4, 0]);
  });

  test("is read from until 64 KiB are kept, then no more before the partner is there", () => {
    const { join } = pipeHouse();
    const center = join("center");
    center.say(new Uint8Array(65_000));
    expect(center.isPaused).toBe(false);
    center.say(new Uint8Array(1_000));
    expect(center.isPaused).toBe(true);
    const local = join("local");
    expect([center.isPaused, local.sent.length]).toEqual([false, 2]);
  });

  test("is paused for empty messages too, after some", () => {
    const center = pipeHouse().join("center");
    for (let i = 0; i <= 1_024; i += 1) center.say("");
    expect(center.isPaused).toBe(true);
  });

  test("is closed with 1008 if it says too much in too little, and that counts as absent", () => {
    const house = pipeHouse();
    const center = house.join("center");
    for (let i = 0; i < 16_384; i += 1) center.say("");
    expect(center.isOpen).toBe(true);
    center.say("");
    expect(center.ended).toMatchObject({ code: 1008, reason: expect.stringContaining("16384 messages") });
    expect([house.counters.dropped.absent, house.isEmpty()]).toEqual([16_385, true]);
  });

  test("is closed with 4408 after waitTimeout, though it spoke, and leaves the role free", () => {
    const house = pipeHouse({ waitTimeout: 60_000 });
    const center = house.join("center");
    center.say(new Uint8Array(100_000));
    house.clock.advance(59_999);
    expect(center.isOpen).toBe(true);
    house.clock.advance(1_002);
    expect(center.ended).toEqual({ code: 4408, reason: "no partner within 60000 ms", local: true });
    expect([center.isPaused, house.isEmpty()]).toEqual([false, true]);
  });

  test("waits for ever if waitTimeout is 0, and a pair has no timeout at all", async () => {
    const house = pipeHouse({ waitTimeout: 0 });
    const center = house.join("center");
    house.clock.advance(100_000_000);
    expect(center.isOpen).toBe(true);
    const other = pipeHouse({ waitTimeout: 1_000, timeout: 1_000 });
    const { local } = other.pair();
    other.clock.advance(100_000);
    expect(local.isOpen).toBe(true);
  });

  test("leaves nothing when it goes, and what it said counts as absent", () => {
    const house = pipeHouse();
    const center = house.join("center");
    center.say("anybody?");
    center.leave(1006);
    expect([house.counters.dropped.absent, house.isEmpty()]).toEqual([1, true]);
    const local = house.join("local");
    expect(local.sent).toEqual([]);
  });
});

describe("a slow end of a pipe", () => {
  const slow = { policy: "pause", highWater: 10_000 } as const;

  test("pauses the one who writes to it, past the mark, until below half of it, and nobody else", async () => {
    const { pair } = pipeHouse({ slow });
    const { center, local } = pair();
    local.stall();
    center.say(new Uint8Array(10_000));
    await turnEnd();
    expect(center.isPaused).toBe(false);
    center.say("x");
    await turnEnd();
    expect([center.isPaused, local.isPaused]).toEqual([true, false]);
    local.catchUp(5_001);
    expect(center.isPaused).toBe(true);
    local.catchUp(5_000);
    expect(center.isPaused).toBe(false);
  });

  test("can be on both sides at once: each goes on as the other reads", async () => {
    const { pair } = pipeHouse({ slow });
    const { center, local } = pair();
    for (const end of [center, local]) end.stall();
    for (const end of [center, local]) end.say(new Uint8Array(20_000));
    await turnEnd();
    expect([center.isPaused, local.isPaused]).toEqual([true, true]);
    local.catchUp();
    expect([center.isPaused, local.isPaused]).toEqual([false, true]);
    center.catchUp();
    expect(local.isPaused).toBe(false);
  });

  test("is closed with 1013 under policy close, and its partner with 1000", async () => {
    const house = pipeHouse({ slow: { policy: "close", highWater: 10_000 } });
    const { center, local } = house.pair();
    local.stall();
    center.say(new Uint8Array(20_000));
    center.say("too late");
    await turnEnd();
    expect(local.ended?.code).toBe(1013);
    expect(center.ended).toMatchObject({ code: 1000, reason: "local has left with 1013" });
    expect(house.isEmpty()).toBe(true);
  });
});
