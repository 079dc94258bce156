/**
 * Random cuts while messages are on their way, against a real gateway: no reader misses one, hears one twice or out of order, and every publish
 * happens once. The seed is in the test's name when it fails; FAIRLEAD_SEED repeats it.
 */
import { expect, test } from "bun:test";
import { connect, type Item, type Session } from "../../src/client/index.ts";
import { newSeed, seeded } from "../seeded.ts";
import { startSuiteGateway } from "./suite-gateway.ts";

const MESSAGES = 3_000;
const CUTS = 30;
/** Publishes that wait for their answer at once, less than may wait while there is no connection. */
const WINDOW = 200;

const seed = newSeed();

/** A session whose connection can be cut under it. */
function cuttable(url: string): { session: Session; cut(): void } {
  let socket: WebSocket | undefined;
  class Cut extends WebSocket {
    constructor(address: string, protocols?: string | string[]) {
      super(address, protocols);
      socket = this;
    }
  }
  const session = connect(url, { WebSocket: Cut, minDelay: 1, maxDelay: 10 });
  return { session, cut: () => socket?.close(4000) };
}

/** Offsets of each topic that a subscription heard, in their order; a gap is a failure. */
function hearing(
  items: Map<string, number[]>,
  count: number,
): { done: Promise<void>; hear(item: Item): void } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let heard = 0;
  return {
    done: promise,
    hear(item) {
      if (item.type === "gap") reject(new Error(`a gap though all is held: ${JSON.stringify(item)}`));
      if (item.type !== "message") return;
      items.set(item.topic, [...(items.get(item.topic) ?? []), item.offset]);
      heard += 1;
      if (heard === count) resolve();
    },
  };
}

test(`each message reaches each reader once and in order, whatever is cut (seed ${seed})`, async () => {
  await using gateway = await startSuiteGateway();
  const chance = seeded(seed);
  const url = gateway.ws("/long/cuts");
  const people = [cuttable(url), cuttable(url), cuttable(url)] as const;
  const [writer, reader, both] = people;
  const topics = ["cuts", "cuts.a", "cuts.b"];
  const plans = [
    { from: reader.session.subscribe("cuts.>"), count: (MESSAGES / 3) * 2 },
    { from: both.session.subscribe(), count: MESSAGES / 3 },
    { from: both.session.subscribe("cuts.*"), count: (MESSAGES / 3) * 2 },
    { from: both.session.subscribe("cuts.a"), count: MESSAGES / 3 },
  ];
  const heard = plans.map(() => new Map<string, number[]>());
  const readers = plans.map(({ from, count }, n) => {
    const { done, hear } = hearing(heard[n] ?? new Map(), count);
    void from.listen(hear);
    return done;
  });
  await Promise.all(plans.map(({ from }) => from.ready));

  const answers: Promise<unknown>[] = [];
  const underway = new Set<Promise<unknown>>();
  for (let n = 0; n < MESSAGES; n++) {
    const published = writer.session.publish(topics[n % 3], n);
    answers.push(published);
    underway.add(published);
    void published.finally(() => underway.delete(published)).catch(() => {});
    if (chance() < CUTS / MESSAGES) people[Math.floor(chance() * 3)]?.cut();
    while (underway.size >= WINDOW) await Promise.race(underway);
  }
  const positions = (await Promise.all(answers)) as { topic: string; offset: number }[];
  await Promise.all(readers);
  for (const { session } of people) session.close();

  const all = Array.from({ length: MESSAGES / 3 }, (_, n) => n + 1);
  for (const topic of topics) {
    expect(positions.filter((at) => at.topic === topic).map((at) => at.offset)).toEqual(all);
    for (const each of heard) if (each.has(topic)) expect(each.get(topic)).toEqual(all);
  }
}, 30_000);
