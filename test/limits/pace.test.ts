import { describe, expect, test } from "bun:test";
import { createPacing, type PaceLimits } from "../../src/limits/pace.ts";
import { testClock } from "../clock.ts";

function paceHouse(limits: Partial<PaceLimits>) {
  const clock = testClock();
  const house = { clock, isHeld: false, holds: 0 };
  const pacing = createPacing({ messages: 0, bytes: 0, ...limits }, clock);
  const pace = pacing?.({
    holdBack() {
      house.isHeld = true;
      house.holds += 1;
    },
    readOn() {
      house.isHeld = false;
    },
  });
  /** Counts so many messages of one size; how far ahead those before the last were. */
  const send = (count: number, size = 1) => {
    let ahead = 0;
    for (let n = 0; n < count; n += 1) ahead = pace?.count(size) ?? 0;
    return ahead;
  };
  return Object.assign(house, { pace, send });
}

describe("a pace", () => {
  test("is not there if nothing is limited", () => {
    expect(paceHouse({}).pace).toBeUndefined();
  });

  test("leaves a second's worth alone, and holds back who sends one more, until it is within the rate", () => {
    const house = paceHouse({ messages: 10 });
    house.send(10);
    expect(house.isHeld).toBe(false);
    expect(house.send(1)).toBe(0);
    expect(house.isHeld).toBe(true);
    house.clock.advance(99);
    expect(house.isHeld).toBe(true);
    house.clock.advance(2);
    expect(house.isHeld).toBe(false);
  });

  test("waits for what came while it was held, too", () => {
    const house = paceHouse({ messages: 10 });
    house.send(31);
    house.clock.advance(2_090);
    expect([house.isHeld, house.holds]).toEqual([true, 1]);
    house.clock.advance(20);
    expect(house.isHeld).toBe(false);
  });

  test("tells how far those before are ahead", () => {
    const house = paceHouse({ messages: 10 });
    expect(house.send(61)).toBe(5_000);
    expect(house.send(1)).toBe(5_100);
    house.clock.advance(100);
    expect(house.send(1)).toBe(5_100);
  });

  test("counts bytes alike, and the worse of the two", () => {
    const house = paceHouse({ messages: 10, bytes: 1_000 });
    house.send(1, 1_000);
    expect(house.isHeld).toBe(false);
    house.send(1, 500);
    expect(house.isHeld).toBe(true);
    expect(house.send(1, 0)).toBe(500);
    house.clock.advance(501);
    expect(house.isHeld).toBe(false);
    expect(house.send(20, 0)).toBeGreaterThan(500);
  });

  test("bounds messages only, if bytes are not limited, and the other way round", () => {
    const [messages, bytes] = [paceHouse({ messages: 10 }), paceHouse({ bytes: 10 })];
    messages.send(10, 2 ** 30);
    bytes.send(1_000, 0);
    expect([messages.isHeld, bytes.isHeld]).toEqual([false, false]);
  });

  test("lets through what the rate says in the long run, and two seconds' worth at once at most", () => {
    const { clock, pace } = paceHouse({ messages: 100 });
    const sent: number[] = [];
    for (let ms = 0; ms < 60_000; ms += 10) {
      // In bursts, with a rest between: the worst that a clock looked at late could be used for.
      const rests = Math.floor(ms / 1_500) % 2 === 0;
      for (let n = 0; n < 30 && !rests && pace?.count(1) === 0; n += 1) sent.push(ms);
      clock.advance(10);
    }
    expect(sent.length).toBeLessThanOrEqual(6_100);
    const inSecond = sent.map((at) => sent.filter((other) => other >= at && other < at + 1_000).length);
    expect(Math.max(...inSecond)).toBeLessThanOrEqual(301);
  });

  test("holds nobody for longer than 10 s, however far ahead", () => {
    const house = paceHouse({ bytes: 1 });
    house.send(1, 1_000_000);
    house.clock.advance(9_999);
    expect(house.isHeld).toBe(true);
    house.clock.advance(1);
    expect(house.isHeld).toBe(false);
  });

  test("leaves no timer behind when its connection ends", () => {
    const house = paceHouse({ messages: 1 });
    house.send(5);
    expect(house.clock.pending).toBe(1);
    house.pace?.end();
    expect(house.clock.pending).toBe(0);
  });
});
