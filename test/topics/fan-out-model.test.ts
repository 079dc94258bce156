/**
 * The fan-out against a model of it: random publishing, stalling, draining, joining and leaving, under each policy. After every
 * step each reader's stream is compared with the log it was due, and the books with what the readers were handed.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { FanOutOptions } from "../../src/topics/options.ts";
import { fanOutHouse, type Listener } from "./fan-out-house.ts";

const MARK = 400;
const LARGEST = 120;
const KEYS = ["a", "b", undefined] as const;

interface Step {
  readonly act: "publish" | "stall" | "drain" | "join" | "leave";
  readonly reader: number;
  readonly size: number;
  readonly key: (typeof KEYS)[number];
  /** Of what waits, how much stays. */
  readonly left: number;
  readonly isStream: boolean;
  readonly skipsOwn: boolean;
}

const steps = fc.array(
  fc.record<Step>({
    act: fc.constantFrom("publish", "publish", "publish", "publish", "stall", "drain", "join", "leave"),
    reader: fc.nat(5),
    size: fc.integer({ min: 5, max: LARGEST }),
    key: fc.constantFrom(...KEYS),
    left: fc.constantFrom(0, 0, 0.2, 0.6, 0.9),
    isStream: fc.boolean(),
    skipsOwn: fc.boolean(),
  }),
  { minLength: 1, maxLength: 150, size: "max" },
);

/** A reader, and the numbers of the messages it was due. */
interface Known {
  readonly listener: Listener;
  readonly skipsOwn: boolean;
  readonly due: number[];
  hasLeft: boolean;
}

function play(policy: FanOutOptions["policy"], all: readonly Step[]): void {
  const house = fanOutHouse(policy, MARK);
  const known: Known[] = [];
  const keys = new Map<number, string | undefined>();
  const isOpen = ({ listener, hasLeft }: Known) => !hasLeft && listener.closed === undefined;
  /** Nobody skips anything under `latest`: a room has no such policy, and a feed no such option. */
  const join = (step: Pick<Step, "isStream" | "skipsOwn">) => {
    const skipsOwn = step.skipsOwn && policy !== "latest";
    const listener = house.join({ isStream: step.isStream, skipsOwn });
    known.push({ listener, skipsOwn, due: [], hasLeft: false });
  };

  for (const isStream of [true, false, false]) join({ isStream, skipsOwn: false });
  for (const step of all) {
    act(step);
    check();
  }
  for (const each of known.filter(isOpen)) each.listener.drain();
  check();
  checkEnd();

  function act(step: Step): void {
    if (step.act === "join") {
      join(step);
      return;
    }
    const chosen = known[step.reader % known.length];
    if (step.act === "publish") publish(step, chosen);
    if (chosen === undefined || !isOpen(chosen)) return;
    if (step.act === "stall") chosen.listener.stall();
    if (step.act === "drain") chosen.listener.drain(Math.floor(chosen.listener.waiting * step.left));
    if (step.act !== "leave") return;
    chosen.hasLeft = true;
    chosen.listener.leave();
  }

  function publish({ size, key }: Step, sender: Known | undefined): void {
    const present = known.filter(isOpen);
    const number = house.publish({ size, key, conn: sender?.listener.id });
    keys.set(number, key);
    for (const each of present) if (!(each.skipsOwn && each === sender)) each.due.push(number);
  }

  function check(): void {
    for (const each of known) {
      const { got, place, waiting } = each.listener;
      // In order and once each, and nothing that was not due.
      expect(got).toEqual(each.due.filter((number) => got.includes(number)));
      expect(waiting).toBeLessThanOrEqual(MARK * 1.25 + 2 * LARGEST);
      if (policy !== "latest" && isOpen(each)) expectOneGapAtATime(each);
      if (isOpen(each) && !place.isFull) expect(place.queued).toBe(0);
    }
    const handed = known.reduce((sum, { listener }) => sum + listener.got.length, 0);
    expect(house.counters.delivered).toBe(handed);
    expect(house.counters.due).toBe(known.reduce((sum, { due }) => sum + due.length, 0));
    expect(house.unaccounted()).toBe(0);
    expect(house.fanOut.held).toBeLessThanOrEqual(Math.max(MARK, LARGEST));
    expect(house.fanOut.readers).toBe(known.filter(isOpen).length);
    if (house.fanOut.queued === 0 && house.fanOut.lagging === 0) expect(house.fanOut.held).toBe(0);
  }

  /** What it lacks was dropped or waits: the last `queued` of what was due, the rest was counted. */
  function expectOneGapAtATime({ listener, due }: Known): void {
    const settled = due.slice(0, due.length - listener.place.queued);
    expect(listener.got.every((number) => settled.includes(number))).toBe(true);
  }

  function checkEnd(): void {
    expect([house.fanOut.queued, house.fanOut.lagging, house.fanOut.held]).toEqual([0, 0, 0]);
    const lacking = known
      .filter(isOpen)
      .reduce((sum, { due, listener }) => sum + due.length - listener.got.length, 0);
    const { slow, conflated, closed } = house.counters.dropped;
    if (known.every(isOpen)) expect(slow + conflated + closed).toBe(lacking);
    if (policy === "close") expect([slow, conflated, lacking]).toEqual([0, 0, 0]);
    if (policy === "drop-oldest") expect(conflated).toBe(0);
    // Three keys of at most LARGEST each fit below the mark, so nothing newest is ever evicted.
    if (policy === "latest") {
      expect(slow).toBe(0);
      for (const each of known.filter(isOpen)) expectNewest(each);
    }
  }

  function expectNewest({ listener, due }: Known): void {
    const newest = new Map(due.map((number) => [keys.get(number), number]));
    for (const number of newest.values()) expect(listener.got).toContain(number);
  }
}

for (const policy of ["close", "drop-oldest", "latest"] as const) {
  test(`the fan-out keeps order and books under ${policy}, whatever its readers do`, () => {
    fc.assert(
      fc.property(steps, (all) => play(policy, all)),
      { numRuns: 300 },
    );
  });
}
