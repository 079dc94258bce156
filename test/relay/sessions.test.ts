import { describe, expect, test } from "bun:test";
import { createFairBound } from "../../src/limits/fair-bound.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import { RelaySession, Seat } from "../../src/relay/groups.ts";
import type { PostOffice } from "../../src/relay/mailbox.ts";
import { MAX_UNRELEASED } from "../../src/relay/receipts.ts";
import { createSessions, MAX_RECEIPTS } from "../../src/relay/sessions.ts";
import { testClock } from "../clock.ts";
import { bareConnection } from "../fake-connection.ts";

/** Sessions of which any number may be away, and those that have ended. */
function sessionsHouse() {
  const clock = testClock();
  const office: PostOffice = {
    limits: { size: 0, bytes: 0 },
    total: createFairBound(0),
    clock,
    counters: createRouteCounters("/relay", "relay"),
    waits() {},
    rests() {},
  };
  const ended: RelaySession[] = [];
  const sessions = createSessions({
    clock,
    ttl: 60_000,
    max: 0,
    expired(session) {
      sessions.end(session);
      ended.push(session);
    },
  });
  /** Its client leaves with so many messages whose receipts it has not released. */
  const leave = (count: number): RelaySession => {
    const session = new RelaySession(
      new Seat("g", "center", office),
      { user: null, remoteAddress: "" },
      undefined,
    );
    sessions.attach(session, bareConnection("c", {}));
    for (let seq = 1; seq <= count; seq += 1) session.receipts.add(seq, `m${seq}`);
    sessions.park(session);
    return session;
  };
  return { clock, sessions, ended, leave };
}

const FULL = MAX_RECEIPTS / MAX_UNRELEASED;

describe("sessions of a relay", () => {
  test("end with the one that was away longest when those who are away hold too many receipts", () => {
    const { sessions, ended, leave } = sessionsHouse();
    const [first, second] = Array.from({ length: FULL }, () => leave(MAX_UNRELEASED));
    expect([sessions.away, ended.length]).toEqual([FULL, 0]);
    leave(0);
    expect(ended).toEqual([]);
    leave(MAX_UNRELEASED + 1);
    expect<unknown[]>(ended).toEqual([first, second]);
  });

  test("that come back hold none of those any more, whatever they have released meanwhile", () => {
    const { sessions, ended, leave } = sessionsHouse();
    const all = Array.from({ length: FULL }, () => leave(MAX_UNRELEASED));
    for (const session of all) {
      session.receipts.settle("m1", "delivered");
      session.receipts.release(1);
      sessions.attach(session, bareConnection("c", {}));
    }
    for (const session of all) sessions.park(session);
    leave(FULL);
    expect([sessions.away, ended.length]).toEqual([FULL + 1, 0]);
    leave(1);
    expect(ended).toHaveLength(1);
  });

  test("that expire hold none of those any more", () => {
    const { clock, sessions, ended, leave } = sessionsHouse();
    for (let n = 0; n < FULL; n += 1) leave(MAX_UNRELEASED);
    clock.advance(60_000);
    expect([sessions.away, ended.length, clock.pending]).toEqual([0, FULL, 0]);
    for (let n = 0; n < FULL; n += 1) leave(MAX_UNRELEASED);
    expect(ended).toHaveLength(FULL);
  });
});
