import { describe, expect, test } from "bun:test";
import { fanOutHouse, flood, range } from "./fan-out-house.ts";

const MARK = 100;

describe("fan-out: a slow reader under close", () => {
  test("is closed with 1013 past the mark, at the latest a quarter of it too late", () => {
    const house = fanOutHouse("close", MARK);
    const [slow, fast] = [house.join(), house.join()];
    slow.stall();
    for (let i = 0; i < 4; i += 1) house.publish({ size: MARK / 4 });
    expect([slow.waiting, slow.closed]).toEqual([MARK, undefined]);
    house.publish({ size: MARK / 4 });
    expect(slow.closed).toEqual({ code: 1013, reason: "slow consumer" });
    house.publish();
    expect(fast.got).toEqual(range(1, 6));
    expect(house.fanOut.readers).toBe(1);
  });

  test("is found by empty messages too, whose frames fill its queue", () => {
    const house = fanOutHouse("close", MARK);
    const slow = house.join();
    slow.stall();
    slow.fill(2 * MARK);
    for (let i = 0; i < Math.ceil(MARK / 8) - 1; i += 1) house.publish({ size: 0 });
    expect(slow.closed).toBeUndefined();
    house.publish({ size: 0 });
    expect(slow.closed?.code).toBe(1013);
  });

  test("is closed at the same mark when it is an event stream", () => {
    const house = fanOutHouse("close", MARK);
    const stream = house.join({ isStream: true });
    stream.stall();
    for (let i = 0; i < 5; i += 1) house.publish({ size: MARK / 4 });
    expect([stream.waiting, stream.closed]).toEqual([(MARK * 5) / 4, undefined]);
    house.publish();
    expect(stream.closed).toEqual({ code: 1013, reason: "slow consumer" });
    expect(house.counters).toMatchObject({ due: 6, delivered: 5, dropped: { closed: 1 } });
    expect(house.fanOut.held).toBe(0);
  });

  test("does not keep the other slow ones from being closed at the same look", () => {
    const house = fanOutHouse("close", MARK);
    const slow = [house.join(), house.join(), house.join()];
    for (const each of slow) each.stall();
    flood(house, MARK);
    expect(slow.map(({ closed }) => closed?.code)).toEqual([1013, 1013, 1013]);
    expect(house.unaccounted()).toBe(0);
  });
});

describe("fan-out: a slow reader under drop-oldest", () => {
  function lagging() {
    const house = fanOutHouse("drop-oldest", MARK);
    const [slow, fast] = [house.join(), house.join()];
    slow.stall();
    for (let i = 0; i < 5; i += 1) house.publish({ size: MARK / 4 });
    expect(house.fanOut.lagging).toBe(1);
    return { house, slow, fast };
  }

  test("leaves the native channel and is handed nothing until its peer takes something", () => {
    const { house, slow, fast } = lagging();
    house.publish({ size: MARK / 4 });
    expect([slow.got, fast.got]).toEqual([range(1, 5), range(1, 6)]);
    expect(house.fanOut.queued).toBe(1);
  });

  test("gets what waited, in order, and goes back on the channel in the same step", () => {
    const { house, slow } = lagging();
    for (let i = 0; i < 3; i += 1) house.publish();
    slow.drain();
    expect(slow.got).toEqual(range(1, 8));
    expect([house.fanOut.lagging, house.fanOut.held]).toEqual([0, 0]);
    const publishes = house.channel.publishes;
    house.publish();
    expect(slow.got).toEqual(range(1, 9));
    expect(house.channel.publishes).toBe(publishes + 1);
  });

  test("waits on while more than half the mark still waits in the runtime", () => {
    const { house, slow } = lagging();
    house.publish();
    slow.drain(MARK / 2 + 1);
    expect(slow.got).toEqual(range(1, 5));
    slow.drain(MARK / 2);
    expect(slow.got).toEqual(range(1, 6));
  });

  test("is handed no more than half the mark at a time", () => {
    const { house, slow } = lagging();
    for (let i = 0; i < 10; i += 1) house.publish({ size: 10 });
    slow.drain(1);
    expect([slow.got, slow.waiting]).toEqual([range(1, 10), 51]);
    slow.drain();
    expect(slow.got).toEqual(range(1, 15));
  });

  test("loses the oldest once the backlog is full, counted and logged", () => {
    const { house, slow } = lagging();
    for (let i = 0; i < 6; i += 1) house.publish({ size: MARK / 4 });
    expect(house.fanOut.held).toBe(MARK);
    expect(house.counters.dropped.slow).toBe(2);
    slow.drain();
    expect(slow.got).toEqual([...range(1, 5), ...range(8, 11)]);
    expect(house.lines).toMatchObject([
      { level: "info", text: "slow consumer: fell behind", conn: slow.id, route: "/room", topic: "t" },
      { level: "info", text: "slow consumer: caught up", conn: slow.id, policy: "drop-oldest", dropped: 2 },
    ]);
  });

  test("counts each gap from zero", () => {
    const { house, slow } = lagging();
    for (let i = 0; i < 6; i += 1) house.publish({ size: MARK / 4 });
    slow.drain();
    slow.stall();
    flood(house, MARK);
    slow.drain();
    expect(house.lines.at(-1)).toMatchObject({ text: "slow consumer: caught up", dropped: 0 });
  });

  test("that leaves has its loss logged and what waited counted as closed", () => {
    const { house, slow } = lagging();
    for (let i = 0; i < 6; i += 1) house.publish({ size: MARK / 4 });
    slow.leave();
    slow.leave();
    expect(house.counters.dropped).toMatchObject({ slow: 2, closed: 4 });
    expect(house.lines.at(-1)).toMatchObject({ text: "slow consumer: left", conn: slow.id, dropped: 6 });
    expect([house.fanOut.held, house.unaccounted()]).toEqual([0, 0]);
  });

  test("is handed nothing any more once it has left, though others still lag", () => {
    const { house, slow } = lagging();
    const other = house.join({ isStream: true });
    other.stall();
    other.fill(2 * MARK);
    for (let i = 0; i < 3; i += 1) house.publish();
    slow.leave();
    slow.drain();
    expect(slow.got).toEqual(range(1, 5));
    expect([house.unaccounted(), house.fanOut.queued]).toEqual([0, 3]);
  });

  test("that skips its own messages skips them while it lags too", () => {
    const house = fanOutHouse("drop-oldest", MARK);
    const sender = house.join({ skipsOwn: true });
    sender.stall();
    flood(house, MARK);
    expect(house.fanOut.lagging).toBe(1);
    house.publish({ conn: sender.id });
    const other = house.publish({ conn: "other" });
    sender.drain();
    expect(sender.got).toEqual([...range(1, 6), other]);
    expect(house.unaccounted()).toBe(0);
  });

  test("gets the rest in order when the topic begins a new epoch meanwhile", () => {
    const { house, slow } = lagging();
    house.publish();
    house.publish({ position: { epoch: "new", offset: 1 } });
    house.publish({ position: { epoch: "new", offset: 2 } });
    slow.drain();
    expect(slow.got).toEqual(range(1, 8));
    expect(house.unaccounted()).toBe(0);
  });

  test("is logged and counted alike when it is an event stream", () => {
    const house = fanOutHouse("drop-oldest", MARK);
    const stream = house.join({ isStream: true });
    stream.stall();
    for (let i = 0; i < 11; i += 1) house.publish({ size: MARK / 4 });
    expect(house.fanOut.lagging).toBe(1);
    stream.drain();
    expect(stream.got).toEqual([...range(1, 5), ...range(8, 11)]);
    expect(house.lines).toMatchObject([
      { text: "slow consumer: fell behind", conn: stream.id },
      { text: "slow consumer: caught up", conn: stream.id, dropped: 2 },
    ]);
    expect(house.fanOut.lagging).toBe(0);
  });

  test("drains without effect when it does not lag", () => {
    const house = fanOutHouse("drop-oldest", MARK);
    const [reader, stream] = [house.join(), house.join({ isStream: true })];
    house.publish();
    reader.drain();
    stream.drain();
    stream.leave();
    stream.drain();
    expect([reader.got, stream.got, house.lines]).toEqual([[1], [1], []]);
  });
});

describe("fan-out: a slow reader under latest", () => {
  test("gets the newest of each key, in order of publishing, and the rest is counted as conflated", () => {
    const house = fanOutHouse("latest", MARK);
    const slow = house.join();
    slow.stall();
    flood(house, MARK, "x");
    for (const key of ["a", "b", "a", "c", "b"]) house.publish({ key });
    slow.drain();
    expect(slow.got).toEqual([...range(1, 6), 9, 10, 11]);
    expect(house.counters.dropped).toMatchObject({ conflated: 2, slow: 0 });
  });

  test("loses the keys that changed longest ago, as slow, when not all of them fit below the mark", () => {
    const house = fanOutHouse("latest", MARK);
    const slow = house.join();
    slow.stall();
    flood(house, MARK, "x");
    for (const key of ["a", "b", "c", "d", "a", "e"]) house.publish({ key, size: MARK / 4 });
    expect(house.fanOut.held).toBe(MARK);
    slow.drain();
    expect(slow.got).toEqual([...range(1, 5), 9, 10, 11, 12]);
    expect(house.counters.dropped).toMatchObject({ conflated: 1, slow: 2 });
  });
});
