/** A reader that takes nothing while its replays wait: what it costs meanwhile. */
import { expect, test } from "bun:test";
import type { HistoryPage, Message } from "../../src/engine.ts";
import { createMemoryEngine } from "../../src/engines/memory.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import { createHub } from "../../src/topics/hub.ts";
import { createRoutePresence } from "../../src/topics/presence.ts";
import { Subscriptions } from "../../src/topics/subscriptions.ts";
import { testClock } from "../clock.ts";
import { type FakeConnection, openFake } from "../fake-connection.ts";
import { memoryLog } from "../gateway.ts";

const MARK = 10_000;

/** One that reads topics of an engine, and what it was given of their histories. Each page is made for it, as one from a disk is. */
function house() {
  const clock = testClock();
  const engine = createMemoryEngine({ clock, onError: ({ error }) => Promise.reject(error) });
  const real = engine.topics("/feed", { size: 100, ttl: 0, bytes: 0 });
  const given: WeakRef<Message>[] = [];
  const copy = (message: Message) => ({ ...message });
  const topics: typeof real = {
    ...real,
    async history(topic, query): Promise<HistoryPage> {
      const page = await real.history(topic, query);
      const messages = page.messages.map(copy);
      given.push(...messages.map((message) => new WeakRef(message)));
      return { ...page, messages };
    },
  };
  const hooks = { open() {}, close() {}, message() {}, drain: () => subscriptions.drain() };
  const connection: FakeConnection = openFake(hooks as never);
  const shared = {
    route: "/feed",
    counters: createRouteCounters("/feed", "feed"),
    log: memoryLog(),
    clock,
    publisher: {
      publish(channel: string, data: string | Uint8Array) {
        if (connection.channels.has(channel)) connection.send(data);
      },
    },
  };
  const hub = createHub({ ...shared, topics, policy: "drop-oldest", highWater: MARK });
  const presence = createRoutePresence({ ...shared, presence: engine.presence, max: 500, onTold: hub.note });
  const subscriptions = new Subscriptions(connection, { hub, topics, presence, max: 0 });
  const fill = (topic: string) => {
    for (let n = 0; n < 20; n += 1) real.publish(topic, { data: "x".repeat(1_000), json: false });
  };
  const join = (conn: string) => presence.enter("t", { conn, user: null, info: null });
  const sub = (topic: string) => subscriptions.sub({ t: "sub", topic, last: 100, presence: true }, () => {});
  const told = () => connection.take().map((frame) => JSON.parse(String(frame)).t);
  return { connection, given, fill, join, sub, told };
}

test("keeps no page of a history for later", async () => {
  const { connection, given, fill, sub } = house();
  for (let n = 0; n < 50; n += 1) fill(`t.${n}`);
  connection.stall();
  await sub("t.*");
  expect(given).toHaveLength(1_000);
  await new Promise((resolve) => setImmediate(resolve));
  Bun.gc(true);
  // The collector is conservative: some more may still be seen on the stack.
  expect(given.filter((message) => message.deref() !== undefined).length).toBeLessThan(300);
});

test("is not told who comes and goes, and hears how many there are when it has caught up", async () => {
  const { connection, fill, join, sub, told } = house();
  fill("t");
  connection.stall();
  await sub("t");
  for (let n = 0; n < 100; n += 1) join(`c${n}`);
  expect(told().filter((t) => t !== "msg")).toEqual([]);
  for (let round = 0; round < 10; round += 1) {
    connection.catchUp();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(told().filter((t) => t !== "msg")).toEqual(["count"]);
  join("late");
  expect(told()).toEqual(["join"]);
});
