/** What a node says that it carries, and what several carry together. */
import { expect, test } from "bun:test";
import { createLoad, sumLoads } from "../../src/metrics/load.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import { testClock } from "../clock.ts";

function house() {
  const clock = testClock();
  const [feed, other, echo] = [
    createRouteCounters("/f", "feed"),
    createRouteCounters("/g", "feed"),
    createRouteCounters("/e", "echo"),
  ];
  const counters = [feed, other, echo];
  return {
    clock,
    feed,
    other,
    echo,
    load: createLoad({ counters, lag: { most: 12.4 }, clock, memory: () => 7 }),
  };
}

test("counts connections of all routes, and of each kind that is served", () => {
  const { feed, other, echo, load } = house();
  Object.assign(feed, { connections: 1, streams: 5 });
  Object.assign(other, { connections: 2, streams: 1 });
  echo.connections = 4;
  expect(load()).toEqual({
    connections: 7,
    "connections.feed": 3,
    "connections.echo": 4,
    eventStreams: 6,
    receivedPerSecond: 0,
    sentPerSecond: 0,
    memoryBytes: 7,
    eventLoopLagMs: 12,
  });
});

test("says how fast messages came and went since it was asked last, and not of less than a second", () => {
  const { clock, feed, echo, load } = house();
  feed.received = 10;
  echo.sent = 300;
  clock.advance(2_000);
  expect(load()).toMatchObject({ receivedPerSecond: 5, sentPerSecond: 150 });
  feed.received = 9_999;
  clock.advance(999);
  expect(load()).toMatchObject({ receivedPerSecond: 5, sentPerSecond: 150 });
  feed.received = 1_010;
  clock.advance(1);
  expect(load()).toMatchObject({ receivedPerSecond: 1_000, sentPerSecond: 0 });
});

test("adds up what nodes carry, and takes the most of the lag; what one does not say is nothing", () => {
  const loads = [{ connections: 1, eventLoopLagMs: 5 }, { connections: 2, eventLoopLagMs: 3, more: 4 }, {}];
  expect(sumLoads(loads)).toEqual({ connections: 3, eventLoopLagMs: 5, more: 4 });
  expect(sumLoads([])).toEqual({});
});
