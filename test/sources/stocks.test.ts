import { expect, test } from "bun:test";
import type { SourceMessage } from "../../src/config/kinds/feed.ts";
import { stocks } from "../../src/sources/stocks.ts";
import { testClock } from "../clock.ts";

function start(random?: () => number) {
  const clock = testClock();
  const control = new AbortController();
  const source = stocks({ interval: 2000, clock, ...(random === undefined ? {} : { random }) });
  const messages = source(control.signal)[Symbol.asyncIterator]();
  return { clock, control, messages };
}

/** Answers true if the promise is still waiting after everything that can run now has run. */
const isWaiting = (promise: Promise<unknown>) => {
  const waiting = Symbol("waiting");
  const turn = new Promise((resolve) => setImmediate(() => resolve(waiting)));
  return Promise.race([promise, turn]).then((first) => first === waiting);
};

async function quotes(count: number, random?: () => number) {
  const { clock, control, messages } = start(random);
  const seen: unknown[] = [];
  while (seen.length < count) {
    const next = messages.next();
    clock.advance(2000);
    const { value } = (await next) as { value: SourceMessage };
    expect(Object.keys(value)).toEqual(["data"]);
    seen.push(value.data);
  }
  control.abort();
  return seen;
}

test("publishes the first quote at once, then one per interval", async () => {
  const { clock, control, messages } = start();
  expect((await messages.next()).done).toBe(false);
  const second = messages.next();
  expect(await isWaiting(second)).toBe(true);
  clock.advance(1999);
  expect(await isWaiting(second)).toBe(true);
  clock.advance(1);
  expect((await second).done).toBe(false);
  control.abort();
});

test("publishes symbol, price, source and timestamp in unix seconds, in this order", async () => {
  const [first] = await quotes(1, () => 0);
  expect(JSON.stringify(first)).toBe(
    JSON.stringify({
      symbol: "AAPL",
      price: 100,
      source: "alpha_vantage",
      timestamp: Math.floor(testClock().wall() / 1000),
    }),
  );
});

test("stays below 500, if the random number is just below 1", async () => {
  const [first] = await quotes(1, () => 1 - Number.EPSILON);
  expect(first).toMatchObject({ symbol: "AMZN", price: 499.99, source: "yahoo_finance" });
});

test("uses every symbol and source, and prices from 100 to below 500 with two decimals", async () => {
  const seen = (await quotes(500)) as { symbol: string; price: number; source: string }[];
  expect(new Set(seen.map(({ symbol }) => symbol))).toEqual(new Set(["AAPL", "GOOGL", "MSFT", "AMZN"]));
  expect(new Set(seen.map(({ source }) => source))).toEqual(new Set(["alpha_vantage", "yahoo_finance"]));
  for (const { price } of seen) {
    expect(price).toBeGreaterThanOrEqual(100);
    expect(price).toBeLessThan(500);
    expect(String(price)).toMatch(/^\d{3}(\.\d{1,2})?$/);
  }
});

test("ends while it waits, when its signal aborts, and leaves no timer", async () => {
  const { clock, control, messages } = start();
  await messages.next();
  const next = messages.next();
  expect(await isWaiting(next)).toBe(true);
  expect(clock.pending).toBe(1);
  control.abort();
  expect((await next).done).toBe(true);
  expect(clock.pending).toBe(0);
});

test("ends without waiting, if its signal aborts between two messages", async () => {
  const { clock, control, messages } = start();
  await messages.next();
  control.abort();
  expect((await messages.next()).done).toBe(true);
  expect(clock.pending).toBe(0);
});

test("publishes nothing, if its signal is aborted from the start", async () => {
  const { control, messages } = start();
  control.abort();
  expect((await messages.next()).done).toBe(true);
});

test("starts anew each time it is asked, so a restarted feed has its source again", async () => {
  const source = stocks({ interval: 10, clock: testClock() });
  for (let n = 0; n < 2; n++) {
    const control = new AbortController();
    const messages = source(control.signal)[Symbol.asyncIterator]();
    expect((await messages.next()).done).toBe(false);
    control.abort();
    expect((await messages.next()).done).toBe(true);
  }
});
