import { describe, expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import { untilStopped } from "../../src/cli/signals.ts";
import { testClock } from "../clock.ts";

function setup(over?: Promise<void>) {
  const signals = new EventEmitter();
  const clock = testClock();
  const stop = Promise.withResolvers<void>();
  const seen = { stops: 0, talks: 0, code: undefined as number | undefined };
  const ended = untilStopped(
    signals,
    clock,
    () => {
      seen.stops += 1;
      return stop.promise;
    },
    () => {
      seen.talks += 1;
    },
    over,
  );
  ended.then(
    (code) => {
      seen.code = code;
    },
    () => undefined,
  );
  return { signals, clock, stop, seen, ended };
}

/** Lets every promise that is settled tell so. */
const settle = () => new Promise((done) => setImmediate(done));

describe("the first signal", () => {
  test.each(["SIGTERM", "SIGINT"])("stops in order and ends with 0 when it is %s", async (signal) => {
    const { signals, stop, seen, ended } = setup();
    signals.emit(signal);
    await settle();
    expect(seen).toEqual({ stops: 1, talks: 1, code: undefined });
    stop.resolve();
    expect(await ended).toBe(0);
    expect(signals.listenerCount("SIGTERM") + signals.listenerCount("SIGINT")).toBe(0);
  });

  test("fails when stopping does", () => {
    const { signals, stop, ended } = setup();
    signals.emit("SIGTERM");
    stop.reject(new Error("stuck"));
    expect(ended).rejects.toThrow("stuck");
  });
});

describe("a second signal", () => {
  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ])("ends at once when it is %s, with %i", async (signal, code) => {
    const { signals, clock, seen, ended } = setup();
    signals.emit(signal);
    clock.advance(500);
    signals.emit(signal);
    expect(await ended).toBe(code);
    expect(seen.stops).toBe(1);
  });

  test("does not count when it is the first one's echo, within 500 ms", async () => {
    const { signals, clock, seen } = setup();
    signals.emit("SIGINT");
    clock.advance(499);
    signals.emit("SIGINT");
    await settle();
    expect(seen).toEqual({ stops: 1, talks: 1, code: undefined });
  });

  test("counts at once when it is the other one", async () => {
    const { signals, ended } = setup();
    signals.emit("SIGINT");
    signals.emit("SIGTERM");
    expect(await ended).toBe(143);
  });

  test("is still heard when it is echoed, because an echo that nobody hears would end the process without its code", async () => {
    const { signals, clock, ended } = setup();
    signals.emit("SIGINT");
    clock.advance(500);
    signals.emit("SIGINT");
    expect(await ended).toBe(130);
    expect(signals.emit("SIGINT")).toBe(true);
  });
});

describe("an end that nobody asked for", () => {
  test("stops in order and ends with 0", async () => {
    const { stop, seen, ended } = setup(Promise.resolve());
    await settle();
    expect(seen).toEqual({ stops: 1, talks: 0, code: undefined });
    stop.resolve();
    expect(await ended).toBe(0);
  });

  test("leaves a signal that follows the last word", async () => {
    const { signals, seen, ended } = setup(Promise.resolve());
    await settle();
    signals.emit("SIGINT");
    expect(await ended).toBe(130);
    expect(seen.stops).toBe(1);
  });

  test("changes nothing when a signal came first", async () => {
    const over = Promise.withResolvers<void>();
    const { signals, seen } = setup(over.promise);
    signals.emit("SIGTERM");
    over.resolve();
    await settle();
    expect(seen.stops).toBe(1);
  });
});
