import { describe, expect, test } from "bun:test";
import type { Deliver, EngineError, Published, Topics } from "../../src/engine.ts";
import { createMemoryEngine } from "../../src/engines/memory.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import { createHub } from "../../src/topics/hub.ts";
import type { Reader } from "../../src/topics/place.ts";
import { testClock } from "../clock.ts";
import { memoryLog } from "../gateway.ts";
import { NOBODY_ASKS } from "./fake-topics.ts";

const DOWN: EngineError = { code: "engine_down", text: "the engine is down" };
const LIMITS = { size: 10, ttl: 0, bytes: 0 };

function createHouse(topics: Topics) {
  const counters = createRouteCounters("/room", "room");
  const publisher = { publish: () => undefined };
  const hub = createHub({
    route: "/room",
    publisher,
    counters,
    log: memoryLog(),
    policy: "drop-oldest",
    highWater: 100,
    topics,
  });
  return { hub, counters };
}

/** A reader outside the native channel, so that everything is handed to it. */
function reader(id: string) {
  const got: unknown[] = [];
  const closed: { code: number; reason: string }[] = [];
  const settings: Reader = {
    id,
    format: "plain",
    send: ({ data }) => void got.push(data),
    buffered: () => 0,
    close: (code, reason) => void closed.push({ code, reason }),
  };
  return { got, closed, settings };
}

/** Topics that answer and deliver when the test says so. */
function handTopics() {
  const subscribed: { topic: string; deliver: Deliver; done: Published | undefined; isOpen: boolean }[] = [];
  const topics: Topics = {
    publish() {},
    subscribe(topic, deliver, done) {
      const subscription = { topic, deliver, done, isOpen: true };
      subscribed.push(subscription);
      return {
        close() {
          subscription.isOpen = false;
        },
      };
    },
    ...NOBODY_ASKS,
  };
  return { topics, subscribed };
}

describe("hub: topics", () => {
  test("subscribes a topic once for all its readers, and leaves it with the last of them", () => {
    const { topics, subscribed } = handTopics();
    const { hub } = createHouse(topics);
    const [first, second] = [
      hub.join("a", reader("1").settings),
      hub.join("a", reader("2").settings),
    ] as const;
    expect(subscribed.map(({ topic }) => topic)).toEqual(["a"]);
    first.leave();
    expect(subscribed[0]?.isOpen).toBe(true);
    second.leave();
    expect(subscribed[0]?.isOpen).toBe(false);
    expect(hub.stats()).toMatchObject({ topics: 0, readers: 0 });
  });

  test("subscribes anew when somebody comes back, and a late second leaving harms nobody", () => {
    const { topics, subscribed } = handTopics();
    const { hub } = createHouse(topics);
    const first = hub.join("a", reader("1").settings);
    first.leave();
    hub.join("a", reader("2").settings);
    first.leave();
    expect(subscribed.map(({ isOpen }) => isOpen)).toEqual([false, true]);
    expect(hub.stats()).toMatchObject({ topics: 1, readers: 1 });
  });

  test("keeps topics apart", () => {
    const engine = createMemoryEngine({ clock: testClock(), onError: () => undefined });
    const topics = engine.topics("/room", LIMITS);
    const { hub } = createHouse(topics);
    const [a, b] = [reader("a"), reader("b")];
    hub.join("a", a.settings);
    hub.join("b", b.settings);
    topics.publish("a", { data: "for a", json: false });
    topics.publish("b", { data: "for b", json: false });
    expect([a.got, b.got]).toEqual([["for a"], ["for b"]]);
  });
});

describe("hub: an engine that cannot subscribe", () => {
  test("gets its first reader closed with 1013, if it answers before it returns", async () => {
    const topics: Topics = {
      ...handTopics().topics,
      subscribe(_topic, _deliver, done) {
        done?.(DOWN);
        return { close() {} };
      },
    };
    const { hub } = createHouse(topics);
    const first = reader("1");
    hub.join("a", first.settings);
    expect(first.closed).toEqual([]);
    await Promise.resolve();
    expect(first.closed).toEqual([{ code: 1013, reason: DOWN.text }]);
  });

  test("gets all who have joined by then closed, if it answers later", async () => {
    const { topics, subscribed } = handTopics();
    const { hub } = createHouse(topics);
    const readers = [reader("1"), reader("2")];
    for (const { settings } of readers) hub.join("a", settings);
    subscribed[0]?.done?.(DOWN);
    await Promise.resolve();
    expect(readers.map(({ closed }) => closed)).toEqual([
      [{ code: 1013, reason: DOWN.text }],
      [{ code: 1013, reason: DOWN.text }],
    ]);
  });

  test("is an answer for one who asks where to begin, not the end of its connection", async () => {
    const { topics, subscribed } = handTopics();
    const { hub } = createHouse(topics);
    const asking = reader("1");
    const entry = hub.enter("a", asking.settings);
    const start = entry.begin({});
    subscribed[0]?.done?.(DOWN);
    expect(await start).toEqual(DOWN);
    entry.leave();
    expect([asking.closed, subscribed[0]?.isOpen, hub.stats().topics]).toEqual([[], false, 0]);
  });

  test("harms nobody when it can", async () => {
    const { topics, subscribed } = handTopics();
    const { hub } = createHouse(topics);
    const only = reader("1");
    hub.join("a", only.settings);
    subscribed[0]?.done?.({ epoch: "e", offset: 0 });
    await Promise.resolve();
    expect(only.closed).toEqual([]);
  });
});

test("hub: stats add up over the topics", () => {
  const { topics, subscribed } = handTopics();
  const { hub } = createHouse(topics);
  const slow = { ...reader("slow").settings, buffered: () => 1_000 };
  const membership = hub.join("a", slow);
  hub.join("b", { ...slow, id: "slow too" });
  hub.join("b", reader("fast").settings);
  for (const { topic, deliver } of subscribed) {
    deliver({ topic, epoch: "e", offset: 1, time: 0, size: 30, data: "x", json: false });
  }
  expect(hub.stats()).toEqual({ topics: 2, readers: 3, lagging: 2, queued: 2, held: 60 });
  membership.leave();
  expect(hub.stats()).toEqual({ topics: 1, readers: 2, lagging: 1, queued: 1, held: 30 });
});
