import { describe, expect, test } from "bun:test";
import type { Source, SourceMessage } from "../src/config/kinds/feed.ts";
import { runSource } from "../src/source-runner.ts";
import { testClock } from "./clock.ts";
import { memoryLog } from "./gateway.ts";
import { bounded } from "./raw-client.ts";

/** Runs a source on a clock of its own. */
function run(source: Source) {
  const clock = testClock();
  const log = memoryLog();
  const published: unknown[] = [];
  const stop = runSource({ source, publish: ({ data }) => published.push(data), clock, log, route: "/feed" });
  return { clock, log, published, stop };
}

/** Lets everything that is due to run in this turn of the event loop run. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Settles when the signal aborts, as a well-behaved source waits. */
const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));

describe("a source", () => {
  test("publishes what it yields, in order, and ends when it is told to", async () => {
    let ended = false;
    const { published, stop, log } = run(async function* (signal) {
      yield { data: 1 };
      yield { data: 2 };
      await aborted(signal);
      ended = true;
    });
    await settle();
    expect(published).toEqual([1, 2]);
    await stop();
    expect(ended).toBe(true);
    expect(log.lines).toEqual([]);
  });

  test("is started again after 1 s, then 2, 4 ... at most 60, while it throws before it publishes", async () => {
    let starts = 0;
    const { clock, log, stop } = run(() => {
      starts += 1;
      throw new Error(`start ${starts}`);
    });
    const pauses: unknown[] = [];
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      await settle();
      const before = starts;
      pauses.push(log.lines.at(-1)?.["pause"]);
      clock.advance(seconds * 1000 - 1);
      await settle();
      expect(starts).toBe(before);
      clock.advance(1);
      await settle();
      expect(starts).toBe(before + 1);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(log.lines.slice(0, 2)).toMatchObject([
      { level: "error", text: "! the source threw", route: "/feed", err: new Error("start 1") },
      { level: "info", text: "the source is started again after a pause (ms)", route: "/feed", pause: 1_000 },
    ]);
    await stop();
    expect(clock.pending).toBe(0);
  });

  test("is started again after 1 s once it has published, and after it ended by itself", async () => {
    let starts = 0;
    const { clock, published, log, stop } = run(async function* () {
      starts += 1;
      if (starts > 2) yield { data: starts };
    });
    await settle();
    for (const pause of [1_000, 2_000, 1_000]) {
      expect(log.lines.at(-1)).toMatchObject({ pause });
      clock.advance(pause);
      await settle();
    }
    expect(published).toEqual([3, 4]);
    await stop();
  });

  test("does not gather listeners on its signal over its restarts", async () => {
    let listening = 0;
    const { clock, stop } = run((signal) => {
      if (listening > 0) throw new Error("listeners are left from the last pause");
      const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
      signal.addEventListener = (type: string, listener: () => void) => {
        listening += 1;
        add(type, listener);
      };
      signal.removeEventListener = (type: string, listener: () => void) => {
        listening -= 1;
        remove(type, listener);
      };
      throw new Error("again");
    });
    await settle();
    expect(listening).toBe(1);
    clock.advance(999);
    expect(listening).toBe(1);
    clock.advance(1);
    expect(listening).toBe(0);
    await stop();
  });

  test("that is no async iterable is an error in the log, not the end of anything", async () => {
    const notIterable = (() => Promise.resolve(1)) as unknown as Source;
    const { log, stop } = run(notIterable);
    await settle();
    expect(log.lines[0]).toMatchObject({ level: "error", text: "! the source threw" });
    await stop();
  });
});

describe("stopping a source", () => {
  test("ends one that waits for its restart at once, and leaves no timer", async () => {
    const { clock, log, stop } = run(() => {
      throw new Error("no");
    });
    await settle();
    const lines = log.lines.length;
    await stop();
    expect(clock.pending).toBe(0);
    clock.advance(100_000);
    await settle();
    expect(log.lines.length).toBe(lines);
  });

  test("publishes nothing any more, and runs the source's own clean-up", async () => {
    let cleaned = false;
    const next = Promise.withResolvers<void>();
    const { published, stop } = run(async function* () {
      try {
        yield { data: "before" };
        await next.promise;
        yield { data: "after" };
      } finally {
        cleaned = true;
      }
    });
    await settle();
    const stopped = stop();
    next.resolve();
    await stopped;
    expect([published, cleaned]).toEqual([["before"], true]);
  });

  test("leaves one that never yields behind after a second, and says so", async () => {
    const { clock, log, stop } = run(async function* (): AsyncGenerator<SourceMessage> {
      await new Promise(() => undefined);
    });
    await settle();
    const stopped = stop();
    clock.advance(999);
    await settle();
    expect(log.lines).toEqual([]);
    clock.advance(1);
    await bounded("the stop", stopped);
    expect(log.lines).toMatchObject([{ level: "warn", route: "/feed" }]);
  });

  test("does not report what the source throws because it was stopped", async () => {
    const { log, stop } = run(async function* (signal) {
      yield { data: 1 };
      await aborted(signal);
      throw new Error("aborted");
    });
    await settle();
    await stop();
    expect(log.lines).toEqual([]);
  });
});
