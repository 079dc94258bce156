import { describe, expect, test } from "bun:test";
import { fanOutHouse, flood, range } from "./fan-out-house.ts";

const MARK = 100;

describe("fan-out: readers who keep up", () => {
  test("are all served by one call of the runtime per message", () => {
    const house = fanOutHouse("close", MARK);
    const readers = [house.join(), house.join(), house.join()];
    house.publish();
    house.publish();
    expect(readers.map(({ got }) => got)).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
    expect(house.channel.publishes).toBe(2);
    expect(house.counters).toMatchObject({ due: 6, delivered: 6, sent: 6, sentBytes: 24 });
  });

  test("get nothing of before they joined, nor of after they left", () => {
    const house = fanOutHouse("close", MARK);
    house.publish();
    const reader = house.join();
    house.publish();
    reader.leave();
    house.publish();
    expect(reader.got).toEqual([2]);
    expect(house.counters).toMatchObject({ due: 1, delivered: 1 });
  });

  test("cost the runtime nothing while nobody is there, or only the sender who wants no copy", () => {
    const house = fanOutHouse("close", MARK);
    house.publish();
    const sender = house.join({ skipsOwn: true });
    house.publish({ conn: sender.id });
    expect(house.channel.publishes).toBe(0);
    expect(house.counters.due).toBe(0);
  });

  test("are left out of their own message if they skip it, and only of that", () => {
    const house = fanOutHouse("close", MARK);
    const [sender, other] = [house.join({ skipsOwn: true }), house.join()];
    house.publish({ conn: sender.id });
    house.publish({ conn: other.id });
    expect([sender.got, other.got]).toEqual([[2], [1, 2]]);
    expect(house.counters).toMatchObject({ due: 3, delivered: 3 });
  });

  test("are looked at once per quarter of the mark, never per message", () => {
    const house = fanOutHouse("close", MARK);
    const reader = house.join();
    for (let i = 0; i < 40; i += 1) house.publish({ size: 3 });
    expect(reader.looks).toBe((40 * (3 + 2)) / (MARK / 4));
  });

  test("hold no memory, event streams neither", () => {
    const house = fanOutHouse("drop-oldest", MARK);
    const [reader, stream] = [house.join(), house.join({ isStream: true })];
    for (let i = 0; i < 50; i += 1) {
      house.publish({ size: 10 });
      expect(house.fanOut.held).toBe(0);
    }
    expect(stream.got).toEqual(reader.got);
    expect(stream.got).toEqual(range(1, 50));
  });
});

describe("fan-out: bounds", () => {
  test("a mark of 0 or above the runtime's reach still ends before the runtime drops in silence", () => {
    for (const highWater of [0, 1024 ** 3]) {
      const house = fanOutHouse("close", highWater);
      const slow = house.join();
      slow.stall();
      for (let i = 0; i < 48; i += 1) house.publish({ size: 1024 * 1024 });
      expect(slow.closed?.code).toBe(1013);
      expect(slow.waiting).toBeLessThanOrEqual(41 * 1024 * 1024);
    }
  });

  test("a reader that takes next to nothing stays off the channel, also if nothing but its queue waits for it", () => {
    const house = fanOutHouse("drop-oldest", MARK);
    const reader = house.join();
    reader.stall();
    for (let round = 0; round < 50; round += 1) {
      house.publish({ size: MARK / 4 });
      reader.drain(Math.max(1, reader.waiting - 1));
    }
    expect(reader.waiting).toBeLessThan(2 * MARK);
    reader.drain();
    house.publish();
    expect(reader.got.at(-1)).toBe(51);
  });

  test("one message over the mark is still delivered to readers who lag", () => {
    const house = fanOutHouse("drop-oldest", MARK);
    const slow = house.join();
    slow.stall();
    flood(house, MARK);
    const large = house.publish({ size: 3 * MARK });
    slow.drain();
    expect(slow.got.at(-1)).toBe(large);
  });
});

describe("fan-out: from inside", () => {
  test("a reader refused while it catches up is counted by whoever refused it, the rest as closed", () => {
    const house = fanOutHouse("drop-oldest", MARK);
    const refused = 8;
    const slow = house.join({
      onSend(listener) {
        if (listener.got.at(-1) !== refused) return;
        house.counters.dropped.slow += 1;
        listener.leave();
      },
    });
    slow.stall();
    flood(house, MARK);
    for (let i = 0; i < 5; i += 1) house.publish();
    slow.drain();
    expect(slow.got.at(-1)).toBe(refused);
    expect(house.counters.dropped).toMatchObject({ slow: 1, closed: 3 });
    expect([house.unaccounted(), house.fanOut.held, house.channel.members.size]).toEqual([0, 0, 0]);
  });

  test("a message published while a reader catches up comes after what waited, once", () => {
    const house = fanOutHouse("drop-oldest", MARK);
    const slow = house.join({
      onSend: ({ got }) => {
        if (got.at(-1) === 8) house.publish();
      },
    });
    slow.stall();
    flood(house, MARK);
    for (let i = 0; i < 3; i += 1) house.publish();
    slow.drain();
    expect(slow.got).toEqual(range(1, 10));
    expect(house.unaccounted()).toBe(0);
    house.publish();
    expect(slow.got).toEqual(range(1, 11));
  });

  test("a reader that leaves inside another's catching up costs nobody a message", () => {
    const house = fanOutHouse("drop-oldest", MARK);
    const first = house.join({ isStream: true, onSend: () => third.leave() });
    const second = house.join({ isStream: true });
    const third = house.join({ isStream: true });
    house.publish();
    house.publish();
    expect([first.got, second.got, third.got]).toEqual([[1, 2], [1, 2], []]);
    expect(house.counters).toMatchObject({ due: 5, delivered: 4, dropped: { closed: 1 } });
  });

  test("closing all closes everybody with 1013 and the reason", () => {
    const house = fanOutHouse("latest", MARK);
    const readers = [house.join(), house.join({ isStream: true }), house.join()];
    house.fanOut.closeAll("the engine is down");
    expect(readers.map(({ closed }) => closed)).toEqual(
      readers.map(() => ({ code: 1013, reason: "the engine is down" })),
    );
    expect(house.fanOut.readers).toBe(0);
  });
});
