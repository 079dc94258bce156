import { describe, expect, test } from "bun:test";
import { HISTORY_PAGE_BYTES, type HistoryLimits, type Message } from "../../src/engine.ts";
import { History, pageOf } from "../../src/topics/history.ts";

const EPOCH = "e1";

const message = (offset: number, size = 10): Message => ({
  topic: "t",
  epoch: EPOCH,
  offset,
  time: offset,
  size,
  data: "x",
  json: false,
});

function filled(count: number, limits: Partial<HistoryLimits> = {}, size = 10): History {
  const history = new History({ size: 1000, ttl: 0, bytes: 0, ...limits });
  for (let offset = 1; offset <= count; offset++) history.add(message(offset, size), offset);
  return history;
}

const held = (history: History) => [history.oldest, history.head, history.count];
const offsets = (page: { messages: readonly Message[] }) => page.messages.map(({ offset }) => offset);

describe("bounds of a history", () => {
  test("evicts the oldest message once there are more than size", () => {
    expect(held(filled(250, { size: 100 }))).toEqual([151, 250, 100]);
  });

  test("keeps nothing but counts on, if size is 0", () => {
    expect(held(filled(5, { size: 0 }))).toEqual([6, 5, 0]);
  });

  test("evicts the oldest message once there are more than bytes", () => {
    expect(held(filled(9, { bytes: 35 }))).toEqual([7, 9, 3]);
  });

  test("keeps messages that are exactly bytes together", () => {
    expect(held(filled(9, { bytes: 30 }))).toEqual([7, 9, 3]);
  });

  test("lets go of what it evicts, so that its memory comes back", () => {
    const history = new History({ size: 1000, ttl: 1000, bytes: 0 });
    const all = Array.from({ length: 1000 }, (_, n) => {
      const added = message(n + 1);
      history.add(added, n + 1);
      return new WeakRef(added);
    });
    history.evict(1700);
    Bun.gc(true);
    expect(history.count).toBe(300);
    // The collector is conservative: some more may still be seen on the stack. All 1000 were held if the slots kept them.
    expect(all.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(500);
  });

  test("gives the room of a large past back, once little of it is held", () => {
    const history = filled(1000, { ttl: 1000 });
    const room = () => (history as unknown as { slots: unknown[] }).slots.length;
    expect(room()).toBe(1024);
    history.evict(1995);
    expect([history.count, room()]).toEqual([5, 16]);
    history.evict(9999);
    expect([history.count, room()]).toEqual([0, 4]);
  });

  test("keeps nothing of a message that is larger than bytes alone", () => {
    expect(held(filled(3, { bytes: 9 }))).toEqual([4, 3, 0]);
  });

  test("evicts a message at the moment its ttl has passed, not before", () => {
    const history = filled(4, { ttl: 10 });
    history.evict(11.9);
    expect(held(history)).toEqual([2, 4, 3]);
    history.evict(12);
    expect(held(history)).toEqual([3, 4, 2]);
  });

  test("keeps messages of any age and size, if ttl and bytes are 0", () => {
    const history = filled(10, {}, 1e9);
    history.evict(1e12);
    expect(history.count).toBe(10);
  });

  test("finds every message by its offset while it grows, evicts, empties and grows again", () => {
    const history = new History({ size: 1000, ttl: 50, bytes: 0 });
    let now = 0;
    for (let offset = 1; offset <= 5000; offset++) {
      now += offset % 700 === 0 ? 60 : 0.04;
      history.add(message(offset), now);
      expect(history.at(offset)?.offset).toBe(offset);
      expect(history.at(history.oldest)?.offset).toBe(history.oldest);
      expect(history.at(history.oldest - 1)).toBeUndefined();
    }
    expect(history.head).toBe(5000);
  });

  test("stays right past 2^32 messages, where offsets no longer fit an int", () => {
    const history = new History({ size: 5, ttl: 0, bytes: 0 });
    const start = 2 ** 32 - 3;
    Object.assign(history, { first: start });
    for (let offset = start; offset < start + 20; offset++) history.add(message(offset), 0);
    expect(offsets(pageOf(history, EPOCH, { limit: 9 }))).toEqual([15, 16, 17, 18, 19].map((n) => start + n));
  });
});

describe("pages of a history that holds 6 to 10", () => {
  const page = (query: { since?: number; before?: number; limit: number; epoch?: string }) => {
    const at = (offset: number) => ({ epoch: query.epoch ?? EPOCH, offset });
    const answer = pageOf(filled(10, { size: 5 }), EPOCH, {
      limit: query.limit,
      ...(query.since === undefined ? {} : { since: at(query.since) }),
      ...(query.before === undefined ? {} : { before: at(query.before) }),
    });
    expect([answer.epoch, answer.offset]).toEqual([EPOCH, 10]);
    return [offsets(answer), answer.more, answer.complete];
  };

  test.each([
    ["all after the position", { since: 5, limit: 9 }, [6, 7, 8, 9, 10], false, true],
    ["the first ones and more, if limit ends the page", { since: 6, limit: 2 }, [7, 8], true, true],
    ["no more, if limit ends the page at the head", { since: 7, limit: 3 }, [8, 9, 10], false, true],
    ["nothing, whole, for a position at the head", { since: 10, limit: 9 }, [], false, true],
    ["what is left, not whole, if a message after it is gone", { since: 4, limit: 2 }, [6, 7], true, false],
    ["nothing for a position in the future", { since: 11, limit: 9 }, [], false, false],
    ["nothing for a foreign epoch", { since: 7, limit: 9, epoch: "e0" }, [], false, false],
    ["the last ones before the position", { before: 9, limit: 2 }, [7, 8], true, true],
    ["no more, if nothing older is held", { before: 9, limit: 3 }, [6, 7, 8], false, true],
    ["not whole, if limit reaches past the oldest", { before: 9, limit: 4 }, [6, 7, 8], false, false],
    ["nothing, not whole, if all before it is gone", { before: 6, limit: 1 }, [], false, false],
    ["nothing, whole, before the first message ever", { before: 1, limit: 9 }, [], false, true],
    ["the last ones before the next offset", { before: 11, limit: 1 }, [10], true, true],
    ["nothing before a position in the future", { before: 12, limit: 9 }, [], false, false],
    ["nothing before a foreign epoch", { before: 8, limit: 9, epoch: "e0" }, [], false, false],
    ["the last ones, if no position is given", { limit: 2 }, [9, 10], true, true],
    ["not whole, if more last ones are asked for than held", { limit: 6 }, [6, 7, 8, 9, 10], false, false],
    ["since alone, if both are given", { since: 7, before: 9, limit: 9 }, [8, 9, 10], false, true],
    ["only the position for limit 0", { limit: 0 }, [], true, true],
    ["only whether all after it is held for since and limit 0", { since: 4, limit: 0 }, [], true, false],
  ] as const)("answers %s", (_, query, messages, more, complete) => {
    expect(page(query)).toEqual([[...messages], more, complete]);
  });
});

describe("pages bounded by bytes", () => {
  const third = HISTORY_PAGE_BYTES / 3;

  test("end at the bound with more, whole, in the direction that was asked", () => {
    const history = filled(9, {}, third);
    const forward = pageOf(history, EPOCH, { since: { epoch: EPOCH, offset: 2 }, limit: 100 });
    expect([offsets(forward), forward.more, forward.complete]).toEqual([[3, 4, 5], true, true]);
    const back = pageOf(history, EPOCH, { limit: 100 });
    expect([offsets(back), back.more, back.complete]).toEqual([[7, 8, 9], true, true]);
  });

  test("hold one message at least, if it is larger than the bound", () => {
    const history = filled(3, {}, HISTORY_PAGE_BYTES + 1);
    expect(offsets(pageOf(history, EPOCH, { since: { epoch: EPOCH, offset: 0 }, limit: 100 }))).toEqual([1]);
    expect(offsets(pageOf(history, EPOCH, { limit: 100 }))).toEqual([3]);
  });
});

test("answers a whole empty page of a topic that never had a message", () => {
  const page = pageOf(filled(0), EPOCH, { limit: 10 });
  expect(page).toEqual({ epoch: EPOCH, offset: 0, messages: [], more: false, complete: true });
});
