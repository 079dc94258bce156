/** Conflation against its promise: random publishing to two topics over a second and more, at any rate. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Answers, conflateHouse } from "./conflate-house.ts";

const TOPICS = ["t", "u"] as const;
const KEYS = ["a", "b", "c", undefined] as const;

interface Step {
  readonly topic: (typeof TOPICS)[number];
  readonly key: (typeof KEYS)[number];
  /** Time that passes before it, in ms. */
  readonly pause: number;
}

/** A publish, and what became of it. */
interface Sent extends Step {
  readonly number: number;
  readonly answers: Answers;
}

const step = fc.record<Step>({
  topic: fc.constantFrom(...TOPICS),
  key: fc.constantFrom(...KEYS),
  pause: fc.constantFrom(0, 0, 0, 1, 7, 40, 333, 1_500),
});

/** Plays the steps; `stop` ends it before all had their turn. */
function play(maxRate: number, steps: readonly Step[], stop: boolean) {
  const house = conflateHouse({ maxRate });
  const sent = steps.map((each, number): Sent => {
    house.clock.advance(each.pause);
    return { ...each, number, answers: house.publish(String(number), each) };
  });
  if (stop) house.conflater.stop();
  else house.clock.advance(10_000);
  expect(house.clock.pending).toBe(0);
  const published = house.published.map((number, i) => {
    const found = sent[Number(number)];
    if (found === undefined) throw new Error(`nobody sent ${number}`);
    return { ...found, at: house.times[i] ?? Number.NaN };
  });
  return { house, sent, published };
}

const rates = fc.constantFrom(1, 2, 3, 7, 50, 1_000);
const all = fc.array(step, { maxLength: 60, size: "max" });

test("conflation never publishes more than maxRate to a topic in any second, each at its distance", () => {
  fc.assert(
    fc.property(rates, all, (maxRate, steps) => {
      const { published } = play(maxRate, steps, false);
      for (const topic of TOPICS) {
        const times = published.filter((each) => each.topic === topic).map(({ at }) => at);
        for (const [i, time] of times.entries()) {
          expect(times.filter((at) => at >= time && at < time + 1_000).length).toBeLessThanOrEqual(maxRate);
          if (i > 0) expect(time - (times[i - 1] ?? time)).toBeGreaterThanOrEqual(1_000 / maxRate);
        }
      }
    }),
  );
});

test("conflation answers everybody once, publishes the last value of every key, and keeps the order of a key", () => {
  fc.assert(
    fc.property(rates, all, fc.boolean(), (maxRate, steps, stop) => {
      const { house, sent, published } = play(maxRate, steps, stop);
      const numbers = new Set(published.map(({ number }) => number));
      expect(numbers.size).toBe(published.length);
      for (const { number, answers } of sent) {
        expect(answers).toEqual([
          numbers.has(number) ? expect.objectContaining({ epoch: "e" }) : { superseded: true },
        ]);
      }
      expect(house.counters.dropped.conflated).toBe(sent.length - published.length);
      expect(house.counters.due).toBe(house.counters.dropped.conflated);
      for (const topic of TOPICS)
        for (const key of KEYS)
          expectOrder(sent, published, (each) => each.topic === topic && each.key === key);
    }),
  );
});

function expectOrder(
  sent: readonly Sent[],
  published: readonly Sent[],
  isOne: (each: Sent) => boolean,
): void {
  const numbers = published.filter(isOne).map(({ number }) => number);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect(numbers.at(-1)).toEqual(sent.findLast(isOne)?.number);
}

test("conflation publishes keys in the order in which they began to wait", () => {
  fc.assert(
    fc.property(all, (steps) => {
      // Nothing but the first has its turn before all have come.
      const { published } = play(
        1,
        steps.map((each) => ({ ...each, pause: 0 })),
        true,
      );
      for (const topic of TOPICS) {
        const [first, ...later] = steps.filter((each) => each.topic === topic);
        const keys = [...new Set(later.map(({ key }) => key))];
        const expected = first === undefined ? [] : [first.key, ...keys];
        expect(published.filter((each) => each.topic === topic).map(({ key }) => key)).toEqual(expected);
      }
    }),
  );
});
