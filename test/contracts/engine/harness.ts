/**
 * What the parts of the engine suite share. Every answer is awaited: an engine may answer at once or after a round trip.
 * Nothing here waits by time; an answer that never comes fails at the test's own deadline.
 */
import { test } from "bun:test";
import type {
  Claim,
  Engine,
  EngineError,
  HistoryLimits,
  Idem,
  Message,
  OutMessage,
  Position,
  Subscription,
  Topics,
} from "../../../src/engine.ts";
import { type TestClock, testClock } from "../../clock.ts";

export type MakeEngine = (clock: TestClock) => Engine | Promise<Engine>;

/** Tests that an engine does not pass, each with the reason. */
export interface Skip {
  readonly reason: string;
  readonly tests: readonly string[];
}

export interface Scene {
  readonly engine: Engine;
  readonly clock: TestClock;
  /** The topics of a route that nobody used before. */
  topics(limits?: Partial<HistoryLimits>): Topics;
}

export type EngineTest = (name: string, run: (scene: Scene) => Promise<void>) => void;

export const LIMITS: HistoryLimits = { size: 100, ttl: 300_000, bytes: 1_048_576 };

/** Runs `run` with an engine of its own that is closed afterwards. */
export async function withEngine(make: MakeEngine, run: (scene: Scene) => Promise<void>): Promise<void> {
  const clock = testClock();
  const engine = await make(clock);
  const topics = (limits: Partial<HistoryLimits> = {}) =>
    engine.topics(`/room/${crypto.randomUUID()}`, { ...LIMITS, ...limits });
  try {
    await run({ engine, clock, topics });
  } finally {
    await engine.close();
  }
}

/** Like `test`, but what the engine does not pass is skipped with its reason. */
export type PlainTest = (name: string, run: () => Promise<void>) => void;

export function skippingTest(skips: readonly Skip[]): PlainTest {
  return (name, run) => {
    const skip = skips.find(({ tests }) => tests.includes(name));
    if (skip === undefined) test(name, run);
    else test.skip(`${name} (${skip.reason})`, () => {});
  };
}

export const isError = (result: object): result is EngineError => "code" in result;

export const text = (data: string): OutMessage => ({ data, json: false });

/** Publishes and waits for the answer, whatever it is. */
export const answerTo = (topics: Topics, topic: string, message: OutMessage, idem?: Idem) =>
  new Promise<Position | EngineError>((done) => topics.publish(topic, message, done, idem));

export async function publish(
  topics: Topics,
  topic: string,
  message: OutMessage,
  idem?: Idem,
): Promise<Position> {
  const result = await answerTo(topics, topic, message, idem);
  if (isError(result)) throw new Error(result.text);
  return { epoch: result.epoch, offset: result.offset };
}

/** Publishes `1`, `2` ... `count` and answers the last position. */
export async function publishMany(topics: Topics, topic: string, count: number): Promise<Position> {
  for (let n = 1; n < count; n++) topics.publish(topic, text(String(n)));
  return publish(topics, topic, text(String(count)));
}

/** A list that a test can wait for. */
export interface Collected<T> {
  readonly all: readonly T[];
  readonly add: (one: T) => void;
  /** The first `count`, once they are there. */
  take(count: number): Promise<readonly T[]>;
}

export function collected<T>(): Collected<T> {
  const all: T[] = [];
  const waiting = new Set<() => void>();
  return {
    all,
    add(one) {
      all.push(one);
      for (const look of waiting) look();
    },
    take: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (all.length < count) return;
          waiting.delete(look);
          resolve(all.slice(0, count));
        };
        waiting.add(look);
        look();
      }),
  };
}

/** Collects what is delivered and lets a test wait for it. */
export interface Inbox {
  readonly position: Position;
  readonly messages: readonly Message[];
  /** The first `count` messages, once they are there. */
  take(count: number): Promise<readonly Message[]>;
  close(): void;
}

/** `onMessage` runs inside the delivery, after the message was noted. */
export async function listen(
  topics: Topics,
  topic: string,
  onMessage?: (message: Message) => void,
): Promise<Inbox> {
  const { all: messages, add, take } = collected<Message>();
  const deliver = (message: Message) => {
    add(message);
    onMessage?.(message);
  };
  const { subscription, position } = await subscribed(topics, topic, deliver);
  return { position, messages, take, close: () => subscription.close() };
}

async function subscribed(topics: Topics, topic: string, deliver: (message: Message) => void) {
  let subscription: Subscription | undefined;
  const position = await new Promise<Position | EngineError>((done) => {
    subscription = topics.subscribe(topic, deliver, done);
  });
  if (subscription === undefined || isError(position)) throw new Error(`could not subscribe to ${topic}`);
  return { subscription, position };
}

/** One claim as a test sees it. */
export interface Attempt {
  readonly holder: string;
  readonly result: Claim | { takenBy: string } | EngineError;
  /** Every reason `onLost` was called with. */
  readonly losses: readonly string[];
  /** Settles when `onLost` is called. */
  readonly lost: Promise<string>;
}

export async function claim(
  engine: Engine,
  name: string,
  { holder = "a", lease = 0, takeOver = false }: { holder?: string; lease?: number; takeOver?: boolean } = {},
): Promise<Attempt> {
  const losses: string[] = [];
  const { promise: lost, resolve } = Promise.withResolvers<string>();
  const onLost = (reason: string) => {
    losses.push(reason);
    resolve(reason);
  };
  const result = await new Promise<Attempt["result"]>((done) =>
    engine.claims.claim(name, { holder, lease, takeOver, onLost }, done),
  );
  return { holder, result, losses, lost };
}

/** The claim of an attempt that must have succeeded. */
export function won(attempt: Attempt): Claim {
  if ("fence" in attempt.result) return attempt.result;
  throw new Error(`not claimed: ${JSON.stringify(attempt.result)}`);
}

export const offsets = (messages: readonly Message[]) => messages.map(({ offset }) => offset);
export const datas = (messages: readonly Message[]) => messages.map(({ data }) => data);
