import { expect, test } from "bun:test";
import { tracingChannel } from "node:diagnostics_channel";
import { completeTracing } from "../../../src/engines/redis/tracing.ts";

completeTracing();
completeTracing();

const nothing = () => {};
const listener = { start: nothing, end: nothing, asyncStart: nothing, asyncEnd: nothing, error: nothing };

test("a tracing channel has subscribers while somebody listens, and else not", () => {
  const channel = tracingChannel("fairlead:test");
  expect(channel.hasSubscribers).toBe(false);
  channel.subscribe(listener);
  expect(channel.hasSubscribers).toBe(true);
  channel.unsubscribe(listener);
  expect(channel.hasSubscribers).toBe(false);
});

test("a tracing channel has subscribers, if only its errors are listened to", () => {
  const channel = tracingChannel("fairlead:errors");
  channel.error.subscribe(nothing);
  expect(channel.hasSubscribers).toBe(true);
  channel.error.unsubscribe(nothing);
});
