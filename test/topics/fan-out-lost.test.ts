import { describe, expect, test } from "bun:test";
import { fanOutHouse, flood, range } from "./fan-out-house.ts";

const MARK = 400;

describe("a reader who falls behind", () => {
  test("is told under drop-oldest which offsets it lost, before the next message, once", () => {
    const house = fanOutHouse("drop-oldest", MARK);
    const slow = house.join();
    slow.stall();
    flood(house, MARK);
    const had = slow.got.length;
    for (let i = 0; i < 10; i += 1) house.publish({ size: 100 });
    slow.drain();
    const [gap] = slow.gaps;
    expect(slow.gaps).toHaveLength(1);
    expect(gap).toEqual({ topic: "t", epoch: "e", offset: 16, from: had + 1, to: 12, reason: "slow" });
    expect(slow.got).toEqual([...range(1, had), ...range(13, 16)]);
    house.publish();
    expect(slow.gaps).toHaveLength(1);
  });

  test("is told under latest that the newest values among them follow, up to the head", () => {
    const house = fanOutHouse("latest", MARK);
    const slow = house.join();
    slow.stall();
    flood(house, MARK, "filler");
    const had = slow.got.length;
    for (const key of ["a", "b", "a", "a"]) house.publish({ key });
    slow.drain();
    const { from, to, latest, offset } = slow.gaps[0] ?? {};
    expect([from, to, latest, offset]).toEqual([had + 2, 10, true, 10]);
    expect(slow.got.slice(had)).toEqual([6, 8, 10]);
  });

  test("is told nothing when it lost nothing", () => {
    const house = fanOutHouse("drop-oldest", MARK);
    const slow = house.join();
    slow.stall();
    flood(house, MARK);
    slow.drain();
    expect([slow.gaps, slow.got]).toEqual([[], range(1, 6)]);
  });

  test("is told of a new epoch in its place among the messages, and that covers what it lost before", () => {
    const house = fanOutHouse("drop-oldest", MARK);
    const slow = house.join();
    slow.stall();
    flood(house, MARK);
    const had = slow.got.length;
    for (let i = 0; i < 4; i += 1) house.publish({ size: 100 });
    for (const offset of [1, 2, 3, 4]) house.publish({ size: 100, position: { epoch: "f", offset } });
    slow.drain();
    expect(slow.gaps).toEqual([{ topic: "t", epoch: "f", offset: 0, reason: "epoch" }]);
    expect(slow.got).toEqual([...range(1, had), ...range(11, 14)]);
  });

  test("reads its position from what it was sent, not from where the topic stands", () => {
    const house = fanOutHouse("drop-oldest", MARK);
    const slow = house.join();
    slow.stall();
    flood(house, MARK);
    const had = slow.got.length;
    expect(house.fanOut.position).toEqual({ epoch: "e", offset: 6 });
    expect(house.fanOut.positionOf(slow.place)).toEqual({ epoch: "e", offset: had });
    slow.drain();
    expect(house.fanOut.positionOf(slow.place)).toEqual({ epoch: "e", offset: 6 });
  });
});
