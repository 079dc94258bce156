import { describe, expect, test } from "bun:test";
import type { Connection } from "../../src/connection.ts";
import { caughtUp, type FlowEnd, isHeldBack, keepsUp, regulate } from "../../src/relay/paired-flow.ts";
import { type FakeConnection, openFake } from "../fake-connection.ts";

const LIMITS = { policy: "pause", highWater: 100 } as const;
const MIB = 1_024 * 1_024;

interface End extends FlowEnd {
  conn: FakeConnection;
  partner: End | undefined;
  isWaiting: boolean;
}

/** A connection that nobody serves: only its queue matters here. */
function end(): End {
  const nothing = () => undefined;
  const conn = openFake({
    kind: "relay",
    open: nothing,
    message: nothing,
    drain: nothing,
    close: nothing,
    stats: () => ({}),
    dispose: async () => undefined,
  });
  return { conn, partner: undefined, isWaiting: false, lagging: false };
}

function pair(): { reader: End; writer: End } {
  const [reader, writer] = [end(), end()];
  reader.partner = writer;
  writer.partner = reader;
  return { reader, writer };
}

function pile(conn: FakeConnection, bytes: number): void {
  conn.stall();
  conn.send("x".repeat(bytes));
}

const paused = (...ends: { readonly conn: Connection }[]) => ends.map(({ conn }) => conn.isPaused);

describe("paired flow", () => {
  test("stops nobody while no more than the mark waits", () => {
    const { reader, writer } = pair();
    pile(reader.conn, 100);
    expect(keepsUp(reader, LIMITS, MIB)).toBe(true);
    expect(paused(reader, writer)).toEqual([false, false]);
  });

  test("reads from neither end past the mark, and from both again at half of it", () => {
    const { reader, writer } = pair();
    pile(reader.conn, 101);
    expect(keepsUp(reader, LIMITS, MIB)).toBe(true);
    expect(paused(reader, writer)).toEqual([true, true]);
    expect([isHeldBack(reader), isHeldBack(writer)]).toEqual([true, true]);
    reader.conn.catchUp(51);
    caughtUp(reader, LIMITS);
    expect(paused(reader, writer)).toEqual([true, true]);
    reader.conn.catchUp(50);
    caughtUp(reader, LIMITS);
    expect(paused(reader, writer)).toEqual([false, false]);
    expect([isHeldBack(reader), isHeldBack(writer)]).toEqual([false, false]);
  });

  test("pauses an end once, however often its queue is looked at", () => {
    const { reader, writer } = pair();
    for (let i = 0; i < 5; i += 1) {
      pile(reader.conn, 101);
      keepsUp(reader, LIMITS, MIB);
    }
    expect([reader.conn.pauses, writer.conn.pauses]).toEqual([1, 1]);
  });

  test("keeps both stopped while either lags", () => {
    const { reader, writer } = pair();
    for (const each of [reader, writer]) {
      pile(each.conn, 101);
      keepsUp(each, LIMITS, MIB);
    }
    expect([reader.conn.pauses, writer.conn.pauses]).toEqual([1, 1]);
    reader.conn.catchUp();
    caughtUp(reader, LIMITS);
    expect(paused(reader, writer)).toEqual([true, true]);
    writer.conn.catchUp();
    caughtUp(writer, LIMITS);
    expect(paused(reader, writer)).toEqual([false, false]);
  });

  test("does not read from an end that waits for something else, though its queue is empty", () => {
    const { reader, writer } = pair();
    writer.isWaiting = true;
    regulate(writer);
    expect(paused(reader, writer)).toEqual([false, true]);
    pile(reader.conn, 101);
    keepsUp(reader, LIMITS, MIB);
    reader.conn.catchUp();
    caughtUp(reader, LIMITS);
    expect(paused(reader, writer)).toEqual([false, true]);
    writer.isWaiting = false;
    regulate(writer);
    expect(paused(reader, writer)).toEqual([false, false]);
  });

  test("wants an end closed past the mark when the policy is close", () => {
    const { reader, writer } = pair();
    pile(reader.conn, 101);
    expect(keepsUp(reader, { policy: "close", highWater: 100 }, MIB)).toBe(false);
    expect(paused(reader, writer)).toEqual([false, false]);
  });

  test("wants an end closed that grows by more than pausing can let through, whatever the policy", () => {
    const { reader } = pair();
    pile(reader.conn, 100 + 17 * MIB);
    expect(keepsUp(reader, LIMITS, MIB)).toBe(true);
    pile(reader.conn, 1);
    expect(keepsUp(reader, LIMITS, MIB)).toBe(false);
  });

  test("only stops an end, however much waits, when messages have no limit", () => {
    const { reader, writer } = pair();
    pile(reader.conn, 100 * MIB);
    expect(keepsUp(reader, LIMITS, 0)).toBe(true);
    expect(paused(reader, writer)).toEqual([true, true]);
  });

  test("never acts when highWater is 0", () => {
    const { reader } = pair();
    pile(reader.conn, 100 * MIB);
    expect(keepsUp(reader, { policy: "close", highWater: 0 }, MIB)).toBe(true);
  });
});
