import { describe, expect, test } from "bun:test";
import type { Connection } from "../src/connection.ts";
import { hasRoom, holdBack, type OutboxLimits } from "../src/outbox.ts";
import { type FakeConnection, openFake } from "./fake-connection.ts";

/** A connection for which so many bytes wait. */
function connection(waiting = 0): FakeConnection {
  const fake = openFake({
    kind: "echo",
    open() {},
    message() {},
    drain() {},
    close() {},
    stats: () => ({}),
    async dispose() {},
  });
  fake.stall();
  fake.send("x".repeat(waiting));
  return fake;
}

const pausing: OutboxLimits = { policy: "pause", highWater: 100 };
const closing: OutboxLimits = { policy: "close", highWater: 100 };

describe("outbox: a reader for whom too much waits", () => {
  test("has its source paused under pause, and stays open", () => {
    const [reader, source] = [connection(101), connection()];
    holdBack(reader, source, pausing);
    expect([source.isPaused, source.isOpen, reader.isPaused, reader.isOpen]).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });

  test("is closed with 1013 under close, and its source goes on", () => {
    const [reader, source] = [connection(101), connection()];
    holdBack(reader, source, closing);
    expect(reader.ended).toEqual({ code: 1013, reason: "slow consumer", local: true });
    expect([source.isOpen, source.isPaused]).toEqual([true, false]);
  });

  test("may be its own source", () => {
    const self = connection(101);
    holdBack(self, self, pausing);
    expect(self.isPaused).toBe(true);
  });
});

test.each([pausing, closing])("outbox: up to the mark nothing happens under $policy", (limits) => {
  const [reader, source] = [connection(100), connection()];
  holdBack(reader, source, limits);
  expect([source.isPaused, reader.isOpen]).toEqual([false, true]);
});

test("outbox: without a mark nothing happens, whatever waits, and nobody is even asked", () => {
  const untouched = new Proxy({} as Connection, {
    get() {
      throw new Error("nobody needs to look");
    },
  });
  for (const policy of ["pause", "close"] as const) {
    holdBack(untouched, untouched, { policy, highWater: 0 });
  }
});

test("outbox: a paused source may go on at half the mark, not before", () => {
  expect([101, 51, 50, 0].map((waiting) => hasRoom(connection(waiting), pausing))).toEqual([
    false,
    false,
    true,
    true,
  ]);
});
