/** One connection that reads many topics has one queue for all of them. */
import { expect, test } from "bun:test";
import { createMemoryEngine } from "../../src/engines/memory.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import { createHub, V1Reader } from "../../src/topics/hub.ts";
import { testClock } from "../clock.ts";
import { type FakeConnection, openFake } from "../fake-connection.ts";
import { memoryLog } from "../gateway.ts";

const MARK = 1024 * 1024;
const TOPICS = 200;

function house() {
  const connections: FakeConnection[] = [];
  const engine = createMemoryEngine({ clock: testClock(), onError: ({ error }) => Promise.reject(error) });
  const topics = engine.topics("/feed", { size: 1, ttl: 0, bytes: 0 });
  const hub = createHub({
    route: "/feed",
    topics,
    policy: "close",
    highWater: MARK,
    counters: createRouteCounters("/feed", "feed"),
    log: memoryLog(),
    publisher: {
      publish(channel, data) {
        for (const each of connections) if (each.channels.has(channel)) each.send(data);
      },
    },
  });
  const connection = openFake({ open() {}, close() {}, message() {}, drain() {} } as never);
  connections.push(connection);
  for (let n = 0; n < TOPICS; n += 1) {
    const reader = new V1Reader(connection, () => {}, { size: n + 1 });
    hub.enter(`t.${n}`, reader).go();
  }
  return { hub, topics, connection };
}

test("a reader of many topics is found slow before all of them together fill its queue", () => {
  const { topics, connection } = house();
  connection.stall();
  const data = "x".repeat(1000);
  let sent = 0;
  while (connection.isOpen && sent < 100 * MARK) {
    for (let n = 0; n < TOPICS; n += 1) topics.publish(`t.${n}`, { data, json: false });
    sent += TOPICS * data.length;
  }
  expect(connection.ended).toMatchObject({ code: 1013 });
  expect(sent).toBeLessThan(4 * MARK);
});

test("what goes to readers past the hub counts, too", () => {
  const { hub, connection } = house();
  connection.stall();
  connection.send("x".repeat(2 * MARK));
  hub.note("t.0", MARK / 8);
  expect(connection.isOpen).toBe(true);
  hub.note("t.0", MARK / 4);
  expect(connection.ended).toMatchObject({ code: 1013 });
});
