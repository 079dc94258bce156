/**
 * Readers of one topic that begin anywhere, fill and drain, while the history evicts, epochs turn, and an engine that is far away
 * answers late. Each reader's stream is held against the log, and the books after every step.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { FanOutOptions } from "../../src/topics/options.ts";
import { type ModelReader, type ReaderKind, replayHouse } from "./replay-house.ts";

const KEYS = ["a", "b", "c", undefined] as const;

interface Step {
  readonly act:
    | "publish"
    | "deliver"
    | "answer"
    | "enter"
    | "stall"
    | "drain"
    | "leave"
    | "turn epoch"
    | "age";
  readonly kind: ReaderKind;
  readonly from: "now" | "last" | "exported" | "foreign";
  /** Picks a reader, a question, a number of messages. */
  readonly n: number;
  readonly size: number;
  readonly key: (typeof KEYS)[number];
  readonly left: number;
}

const often = (act: Step["act"], weight: number) => ({ arbitrary: fc.constant(act), weight });

const steps = fc.array(
  fc.record<Step>({
    act: fc.oneof(
      often("publish", 12),
      often("deliver", 10),
      often("answer", 8),
      often("enter", 4),
      often("stall", 3),
      often("drain", 2),
      often("leave", 1),
      often("turn epoch", 1),
      often("age", 1),
    ),
    kind: fc.constantFrom("v1", "v1", "stream", "plain"),
    from: fc.constantFrom("now", "last", "exported", "exported", "foreign"),
    n: fc.nat(12),
    size: fc.constantFrom(20, 800, 3_000, 6_000, 6_000),
    key: fc.constantFrom(...KEYS),
    left: fc.constantFrom(0, 0, 0.3, 0.8),
  }),
  { minLength: 5, maxLength: 120, size: "max" },
);

const MARK = 12_000;
const LIMITS = { size: 12, ttl: 100, bytes: 0 };

async function play(policy: FanOutOptions["policy"], all: readonly Step[]): Promise<void> {
  const house = replayHouse(policy, MARK, LIMITS);
  for (const step of all) {
    await act(step);
    house.check();
  }
  await house.calmDown();
  house.check();
  house.checkEnd();

  async function act({ act: what, kind, from, n, size, key, left }: Step): Promise<void> {
    const chosen: ModelReader | undefined = house.readers[n % Math.max(1, house.readers.length)];
    if (what === "publish") house.publish(size, key);
    if (what === "deliver") for (let i = 0; i <= n % 3; i += 1) house.late.deliverNext();
    if (what === "answer") house.late.answerNext(n);
    if (what === "turn epoch") house.late.turnEpoch();
    if (what === "age") house.late.age(n * 10);
    if (what === "enter") house.enter(kind, { from, n, position: chosen?.at });
    if (what === "stall") chosen?.stall();
    if (what === "drain") chosen?.drain(left);
    if (what === "leave") chosen?.leave();
    if (what !== "publish" && what !== "age") await house.settle();
  }
}

for (const policy of ["close", "drop-oldest", "latest"] as const) {
  test(`every reader's stream is a run of the log, or a gap that it is told, under ${policy}`, async () => {
    await fc.assert(
      fc.asyncProperty(steps, (all) => play(policy, all)),
      { numRuns: 1_000 },
    );
    expect(true).toBe(true);
  });
}
