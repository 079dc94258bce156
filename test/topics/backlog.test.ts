import { describe, expect, test } from "bun:test";
import { createLatest, createTail, type Held } from "../../src/topics/backlog.ts";

const held = (at: number, size: number, key?: string): Held => ({
  at,
  message: { topic: "t", epoch: "e", offset: at, time: 0, size, data: "", json: false, key },
});
const places = (entries: readonly Held[]) => entries.map(({ at }) => at);

/** A backlog of 100 bytes, and what left it. */
function create(kind: typeof createTail) {
  const left: [at: number, reason: string][] = [];
  const backlog = kind(100, ({ at }, reason) => left.push([at, reason]));
  return { backlog, left };
}

test.each([
  ["tail", createTail],
  ["latest", createLatest],
])("the %s holds at most 4,096 messages, however small they are", (_, kind) => {
  const { backlog, left } = create(kind);
  for (let at = 1; at <= 5_000; at += 1) backlog.push(held(at, 0, `k${at}`));
  expect(places(backlog.from(1))).toHaveLength(4_096);
  expect(places(backlog.from(4_999))).toEqual([4_999, 5_000]);
  expect(left).toHaveLength(904);
  expect(left.every(([, reason]) => reason === "slow")).toBe(true);
});

describe("the tail", () => {
  test("gives everything from a place on, in order, and nothing from beyond its end", () => {
    const { backlog } = create(createTail);
    for (let at = 7; at <= 10; at += 1) backlog.push(held(at, 1));
    expect([1, 7, 9, 10, 11].map((at) => places(backlog.from(at)))).toEqual([
      [7, 8, 9, 10],
      [7, 8, 9, 10],
      [9, 10],
      [10],
      [],
    ]);
  });

  test("lets the oldest go as soon as the bytes are over the bound, and says so", () => {
    const { backlog, left } = create(createTail);
    for (let at = 1; at <= 4; at += 1) backlog.push(held(at, 25));
    expect(left).toEqual([]);
    backlog.push(held(5, 26));
    expect(left).toEqual([
      [1, "slow"],
      [2, "slow"],
    ]);
    expect([backlog.bytes, places(backlog.from(1))]).toEqual([76, [3, 4, 5]]);
  });

  test("keeps the newest message also when it alone is over the bound", () => {
    const { backlog, left } = create(createTail);
    backlog.push(held(1, 50));
    backlog.push(held(2, 500));
    expect([places(backlog.from(1)), left]).toEqual([[2], [[1, "slow"]]]);
  });

  test("starts anew at any place after it was cleared, and reports nothing for that", () => {
    const { backlog, left } = create(createTail);
    backlog.push(held(1, 60));
    const before = backlog.from(1);
    backlog.clear();
    expect([backlog.bytes, backlog.from(1), places(before)]).toEqual([0, [], [1]]);
    backlog.push(held(20, 60));
    expect([places(backlog.from(20)), left]).toEqual([[20], []]);
  });

  test("does not keep what it let go reachable", () => {
    const { backlog } = create(createTail);
    const refs: WeakRef<Held>[] = [];
    const fill = () => {
      for (let at = 1; at <= 500; at += 1) {
        const entry = held(at, 50);
        refs.push(new WeakRef(entry));
        backlog.push(entry);
      }
    };
    fill();
    Bun.gc(true);
    expect(places(backlog.from(1))).toEqual([499, 500]);
    expect(refs.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(50);
  });
});

describe("the latest", () => {
  test("keeps the newest of each key in the order of delivery; messages without a key share one", () => {
    const { backlog, left } = create(createLatest);
    const keys = ["a", undefined, "b", "a", undefined, "c"];
    for (const [index, key] of keys.entries()) backlog.push(held(index + 1, 1, key));
    expect(places(backlog.from(1))).toEqual([3, 4, 5, 6]);
    expect(places(backlog.from(4))).toEqual([4, 5, 6]);
    expect(left).toEqual([
      [1, "conflated"],
      [2, "conflated"],
    ]);
    expect(backlog.bytes).toBe(4);
  });

  test("lets the key that changed longest ago go when the newest values are over the bound", () => {
    const { backlog, left } = create(createLatest);
    backlog.push(held(1, 50, "a"));
    backlog.push(held(2, 40, "b"));
    backlog.push(held(3, 30, "a"));
    backlog.push(held(4, 90, "c"));
    expect(left).toEqual([
      [1, "conflated"],
      [2, "slow"],
      [3, "slow"],
    ]);
    expect([backlog.bytes, places(backlog.from(1))]).toEqual([90, [4]]);
  });

  test("keeps the newest message also when it alone is over the bound", () => {
    const { backlog } = create(createLatest);
    backlog.push(held(1, 500, "a"));
    expect([backlog.bytes, places(backlog.from(1))]).toEqual([500, [1]]);
  });

  test("hands a reader who keeps up the last message without walking the other keys", () => {
    const { backlog } = create(createLatest);
    let looks = 0;
    for (let at = 1; at <= 50; at += 1) {
      const entry = held(at, 1, `k${at}`);
      Object.defineProperty(entry, "at", { get: () => ++looks && at });
      backlog.push(entry);
    }
    looks = 0;
    const last = backlog.from(50);
    expect(looks).toBe(1);
    expect([places(last), backlog.from(51)]).toEqual([[50], []]);
  });

  test("is empty after it was cleared", () => {
    const { backlog } = create(createLatest);
    backlog.push(held(1, 10, "a"));
    backlog.clear();
    expect([backlog.bytes, backlog.from(1)]).toEqual([0, []]);
    backlog.push(held(2, 10, "a"));
    expect([backlog.bytes, places(backlog.from(1))]).toEqual([10, [2]]);
  });
});
