/** The part of the engine suite that plays random steps against simple models: a list per topic, a holder per name. */
import { expect } from "bun:test";
import fc from "fast-check";
import type { HistoryLimits, HistoryPage, HistoryQuery, Position, Topics } from "../../../src/engine.ts";
import type { TestClock } from "../../clock.ts";
import {
  type Attempt,
  claim,
  type Inbox,
  listen,
  type MakeEngine,
  type PlainTest,
  publish,
  text,
  withEngine,
  won,
} from "./harness.ts";

const index = fc.nat({ max: 9 });
const topic = fc.constantFrom("t", "u");

export const topicStep = fc.oneof(
  fc.record({ do: fc.constant("publish" as const), topic, bytes: fc.nat({ max: 12 }) }),
  fc.record({ do: fc.constant("publish" as const), topic, bytes: fc.nat({ max: 12 }) }),
  fc.record({ do: fc.constant("subscribe" as const), topic }),
  fc.record({ do: fc.constant("unsubscribe" as const), topic, which: index }),
  fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(1, 7, 20, 30_000) }),
  fc.record({
    do: fc.constant("history" as const),
    topic,
    bound: fc.constantFrom("since" as const, "before" as const, undefined),
    offset: fc.nat({ max: 14 }),
    foreign: fc.boolean(),
    limit: fc.nat({ max: 6 }),
  }),
);
export type TopicStep = typeof topicStep extends fc.Arbitrary<infer Step> ? Step : never;

interface Entry {
  offset: number;
  size: number;
  at: number;
}

/** A topic as one can say it in a list: all that was ever published, and the longest tail of it within the bounds. */
export class TopicModel {
  epoch = "";
  entries: Entry[] = [];
  inboxes: { inbox: Inbox; expected: number[] }[] = [];

  constructor(
    readonly name: string,
    readonly limits: HistoryLimits,
    readonly clock: TestClock,
  ) {}

  held(): Entry[] {
    const { size, ttl, bytes } = this.limits;
    const kept = [...this.entries];
    const isOver = () =>
      kept.length > size ||
      (bytes > 0 && kept.reduce((sum, entry) => sum + entry.size, 0) > bytes) ||
      (ttl > 0 && kept.some(({ at }) => this.clock.now() - at >= ttl));
    while (kept.length > 0 && isOver()) kept.shift();
    return kept;
  }

  /** The engine may have forgotten the topic, but only if nobody needed it. */
  meet({ epoch }: Position): void {
    if (epoch === this.epoch) return;
    if (this.epoch !== "") expect([this.inboxes.length, this.held().length]).toEqual([0, 0]);
    this.epoch = epoch;
    this.entries = [];
  }

  expectPage(page: HistoryPage, { since, before, limit }: HistoryQuery): void {
    const head = this.entries.length;
    const held = this.held().map(({ offset }) => offset);
    expect([page.epoch, page.offset]).toEqual([this.epoch, head]);
    const bound = since ?? before;
    const got = [page.messages.map(({ offset }) => offset), page.more, page.complete];
    if (bound !== undefined && (bound.epoch !== this.epoch || bound.offset > head + (since ? 0 : 1)))
      expect(got).toEqual([[], false, false]);
    else if (since !== undefined) {
      const asked = held.filter((offset) => offset > since.offset);
      expect(got).toEqual([
        asked.slice(0, limit),
        asked.length > limit,
        asked.length === head - since.offset,
      ]);
    } else {
      const end = before?.offset ?? head + 1;
      const asked = held.filter((offset) => offset < end);
      const page = limit === 0 ? [] : asked.slice(-limit);
      const wanted = Math.min(limit, Math.max(0, end - 1));
      expect(got).toEqual([page, asked.length > limit, page.length === wanted]);
    }
  }
}

export async function playTopic(topics: Topics, model: TopicModel, step: TopicStep): Promise<void> {
  if (step.do === "publish") {
    const position = await publish(topics, model.name, text("x".repeat(step.bytes)));
    model.meet(position);
    expect(position.offset).toBe(model.entries.length + 1);
    model.entries.push({ offset: position.offset, size: step.bytes, at: model.clock.now() });
    for (const { inbox, expected } of model.inboxes) {
      expected.push(position.offset);
      await inbox.take(expected.length);
      expect(inbox.messages.map(({ offset }) => offset)).toEqual(expected);
    }
  } else if (step.do === "subscribe") {
    const inbox = await listen(topics, model.name);
    model.meet(inbox.position);
    expect(inbox.position.offset).toBe(model.entries.length);
    model.inboxes.push({ inbox, expected: [] });
  } else if (step.do === "unsubscribe") {
    for (const { inbox } of model.inboxes.splice(step.which, 1)) inbox.close();
  } else if (step.do === "advance") model.clock.advance(step.ms);
  else {
    const at = { epoch: step.foreign ? "foreign" : model.epoch, offset: step.offset };
    const query = { limit: step.limit, ...(step.bound === undefined ? {} : { [step.bound]: at }) };
    const page = await topics.history(model.name, query);
    model.meet(page);
    model.expectPage(page, query);
  }
}

const nameStep = fc.record({
  do: fc.constantFrom("claim", "claim", "takeOver", "renew", "release", "advance"),
  name: fc.constantFrom("n", "m"),
  lease: fc.constantFrom(0, 10, 25),
  which: index,
  ms: fc.constantFrom(1, 9, 10, 25),
});
type NameStep = typeof nameStep extends fc.Arbitrary<infer Step> ? Step : never;

interface Holder {
  name: string;
  attempt: Attempt;
  lease: number;
  due: number;
  /** undefined while it holds the name. */
  ended: "taken" | "expired" | "released" | undefined;
}

type PlayName = (step: NameStep) => Promise<void>;

function namePlayer(engine: Parameters<typeof claim>[0], clock: TestClock, holders: Holder[]): PlayName {
  const present = (name: string) => holders.find((holder) => holder.name === name && !holder.ended);
  /** Those of different names are never compared. */
  const fences = new Map<string, number>();

  const tryClaim = async ({ name, lease }: NameStep, takeOver: boolean) => {
    const before = present(name);
    const attempt = await claim(engine, name, { holder: `h${holders.length}`, lease, takeOver });
    if (before !== undefined && !takeOver) {
      expect(attempt.result).toEqual({ takenBy: before.attempt.holder });
      return;
    }
    if (before !== undefined) before.ended = "taken";
    expect(won(attempt).fence).toBeGreaterThan(fences.get(name) ?? 0);
    fences.set(name, won(attempt).fence);
    const due = lease > 0 ? clock.now() + lease : Number.POSITIVE_INFINITY;
    holders.push({ name, attempt, lease, due, ended: undefined });
  };

  const advance = (ms: number) => {
    clock.advance(ms);
    for (const holder of holders) if (!holder.ended && holder.due <= clock.now()) holder.ended = "expired";
  };

  return async (step) => {
    const holder = holders[step.which % Math.max(1, holders.length)];
    if (step.do === "claim") await tryClaim(step, false);
    else if (step.do === "takeOver") await tryClaim(step, true);
    else if (step.do === "advance") advance(step.ms);
    else if (holder !== undefined && step.do === "renew") {
      expect(won(holder.attempt).renew()).toBe(!holder.ended);
      if (!holder.ended && holder.lease > 0) holder.due = clock.now() + holder.lease;
    } else if (holder !== undefined) {
      won(holder.attempt).release();
      holder.ended ??= "released";
    }
    for (const { attempt, ended } of holders) {
      if (ended === "taken" || ended === "expired") await attempt.lost;
      expect(attempt.losses).toEqual(ended === undefined || ended === "released" ? [] : [ended]);
    }
  };
}

export function modelContract(it: PlainTest, make: MakeEngine, numRuns: number): void {
  const limits = fc.record({
    size: fc.constantFrom(0, 1, 4, 100),
    ttl: fc.constantFrom(0, 20),
    bytes: fc.constantFrom(0, 25),
  });

  it("behaves like a list per topic under random steps: offsets, order, bounds, whole pages", async () => {
    const property = fc.asyncProperty(limits, fc.array(topicStep, { maxLength: 60 }), (bounds, steps) =>
      withEngine(make, async ({ clock, topics }) => {
        const room = topics(bounds);
        const models = new Map(["t", "u"].map((name) => [name, new TopicModel(name, bounds, clock)]));
        for (const step of steps) {
          const model = models.get("topic" in step ? step.topic : "t");
          if (model !== undefined) await playTopic(room, model, step);
        }
      }),
    );
    await fc.assert(property, { numRuns });
  });

  it("keeps one order for all, if callbacks publish, subscribe and close at random", async () => {
    const actions = fc.array(fc.constantFrom("publish", "subscribe", "close", "nothing"), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(actions, (script) =>
        withEngine(make, async ({ topics }) => {
          const room = topics({ size: 2 });
          await playCallbacks(room, [...script]);
        }),
      ),
      { numRuns },
    );
  });

  claimModel(it, make, numRuns);
}

export function claimModel(it: PlainTest, make: MakeEngine, numRuns: number): void {
  it("has one holder per name under random steps: fences grow, a loss is told once", async () => {
    const property = fc.asyncProperty(fc.array(nameStep, { maxLength: 60 }), (steps) =>
      withEngine(make, async ({ engine, clock }) => {
        const play = namePlayer(engine, clock, []);
        for (const step of steps) await play(step);
      }),
    );
    await fc.assert(property, { numRuns });
  });
}

interface Reader {
  from: number | undefined;
  seen: number[];
  close(): void;
}

/** Every delivery takes the next action of the script, until it is used up; then all who are left must be at the head. */
async function playCallbacks(topics: Topics, script: string[]): Promise<void> {
  const readers = new Set<Reader>();
  // Judged at the end: what throws inside a delivery is the engine's to report, not the test's to see.
  const gone: Reader[] = [];
  const join = () => {
    const reader: Reader = { from: undefined, seen: [], close() {} };
    const subscription = topics.subscribe(
      "t",
      ({ offset }) => {
        reader.seen.push(offset);
        act(reader);
      },
      (at) => {
        if ("offset" in at) reader.from = at.offset;
      },
    );
    reader.close = () => subscription.close();
    readers.add(reader);
  };
  const act = (reader: Reader) => {
    const action = script.shift();
    if (action === "publish") topics.publish("t", text("nested"));
    else if (action === "subscribe") join();
    else if (action === "close") {
      reader.close();
      readers.delete(reader);
      gone.push(reader);
    }
  };
  const witness = await listen(topics, "t");
  for (let n = 0; n < 3; n++) join();
  while (script.length > 0) {
    const waiting = script.length;
    topics.publish("t", text("outer"));
    if (readers.size === 0) join();
    const { offset } = await publish(topics, "t", text("marker"));
    await witness.take(offset);
    expect(script.length).toBeLessThan(waiting);
  }
  const { offset } = await publish(topics, "t", text("last"));
  await witness.take(offset);
  for (const reader of [...gone, ...readers]) expectRun(reader);
  for (const reader of readers) {
    expect((reader.from ?? Number.NaN) + reader.seen.length).toBe(offset);
  }
}

function expectRun({ from, seen }: Reader): void {
  expect(seen).toEqual(seen.map((_, n) => (from ?? Number.NaN) + n + 1));
}
