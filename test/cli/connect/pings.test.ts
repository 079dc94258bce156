import { describe, expect, test } from "bun:test";
import { type PingTimes, startPings } from "../../../src/cli/connect/pings.ts";
import { testClock } from "../../clock.ts";

function pinged(times: PingTimes) {
  const clock = testClock();
  const sent: string[] = [];
  let silences = 0;
  const state = { isHeld: false };
  const pings = startPings(times, clock, {
    ping: (data) => void sent.push(data),
    isHeld: () => state.isHeld,
    onSilent() {
      silences += 1;
    },
  });
  const answer = (data = sent.at(-1) ?? "") => pings.heard(Buffer.from(data));
  return { clock, sent, state, pings, answer, silences: () => silences };
}

describe("pings", () => {
  test("go out once an interval, and a pong tells how long its ping took", () => {
    const { clock, sent, answer } = pinged({ interval: 1_000, timeout: 0 });
    clock.advance(999);
    expect(sent).toEqual([]);
    clock.advance(1);
    clock.advance(30);
    expect(answer()).toBe(30);
    clock.advance(970);
    clock.advance(5);
    expect(answer()).toBe(5);
    expect(sent).toHaveLength(2);
    expect(new Set(sent).size).toBe(2);
  });

  test("are not sent at all with interval 0", () => {
    const { clock, sent } = pinged({ interval: 0, timeout: 1_000 });
    clock.advance(60_000);
    expect([sent, clock.pending]).toEqual([[], 0]);
  });

  test("wait for their pong before the next, so that a slow one is measured whole", () => {
    const { clock, sent, answer } = pinged({ interval: 1_000, timeout: 0 });
    clock.advance(3_500);
    expect(sent).toHaveLength(1);
    expect(answer()).toBe(2_500);
    clock.advance(500);
    expect(sent).toHaveLength(2);
  });

  test("do not take a pong that answers something else for theirs", () => {
    const { clock, sent, answer } = pinged({ interval: 1_000, timeout: 0 });
    expect(answer("ping 1")).toBeUndefined();
    clock.advance(1_000);
    expect(answer("")).toBeUndefined();
    expect(answer(`${sent[0]} `)).toBeUndefined();
    expect(answer(sent[0])).toBe(0);
    expect(answer(sent[0])).toBeUndefined();
  });
});

describe("silence", () => {
  test("is told once when no pong comes in time", () => {
    const { clock, silences } = pinged({ interval: 1_000, timeout: 500 });
    clock.advance(1_499);
    expect(silences()).toBe(0);
    clock.advance(1);
    clock.advance(60_000);
    expect(silences()).toBe(1);
  });

  test("is not told when the pong came", () => {
    const { clock, answer, silences } = pinged({ interval: 1_000, timeout: 500 });
    clock.advance(1_400);
    answer();
    clock.advance(400);
    expect(silences()).toBe(0);
  });

  test("is not told while anything comes; the pong is asked for again", () => {
    const { clock, sent, pings, silences } = pinged({ interval: 60_000, timeout: 500 });
    clock.advance(60_000);
    for (let count = 0; count < 10; count += 1) {
      clock.advance(400);
      pings.seen();
    }
    expect([silences(), sent.length]).toEqual([0, 9]);
    clock.advance(1_000);
    expect(silences()).toBe(1);
  });

  test("does not keep a pong that was dropped from being asked for again, without a timeout", () => {
    const { clock, sent, pings, answer } = pinged({ interval: 1_000, timeout: 0 });
    clock.advance(1_000);
    clock.advance(15_000);
    pings.seen();
    expect(sent).toHaveLength(1);
    clock.advance(5_000);
    expect(sent).toHaveLength(2);
    clock.advance(7);
    expect(answer()).toBe(7);
  });

  test("is nobody's fault while no pong could have come", () => {
    const { clock, state, silences } = pinged({ interval: 1_000, timeout: 500 });
    state.isHeld = true;
    clock.advance(10_000);
    expect(silences()).toBe(0);
    state.isHeld = false;
    clock.advance(500);
    expect(silences()).toBe(1);
  });
});

test("nothing is left ticking after the stop", () => {
  const { clock, pings } = pinged({ interval: 1_000, timeout: 5_000 });
  clock.advance(1_000);
  pings.stop();
  expect(clock.pending).toBe(0);
});
