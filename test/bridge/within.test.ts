import { describe, expect, test } from "bun:test";
import { within } from "../../src/bridge/within.ts";
import { codeOf } from "../../src/errors.ts";
import { testClock } from "../clock.ts";

function house(timeout = 5_000) {
  const [clock, controller, work] = [testClock(), new AbortController(), Promise.withResolvers<string>()];
  const late: string[] = [];
  const begin = () =>
    within(work.promise, { timeout, clock, signal: controller.signal }, (value) => late.push(value));
  return { clock, controller, work, late, begin };
}

describe("work within bounds", () => {
  test("brings its value or its error, and leaves no timer", async () => {
    for (const fails of [false, true]) {
      const { clock, work, late, begin } = house();
      const outcome = begin();
      const error = new Error("no");
      if (fails) work.reject(error);
      else work.resolve("yes");
      expect(await outcome).toEqual(fails ? { error } : { value: "yes" });
      expect([clock.pending, late]).toEqual([0, []]);
    }
  });

  test("is cut by its time, and what it brings then is late", async () => {
    const { clock, work, late, begin } = house();
    const outcome = begin();
    clock.advance(5_000);
    expect(await outcome).toEqual({ cut: "timeout", detail: "no answer in 5000 ms" });
    work.resolve("yes");
    await work.promise;
    expect(late).toEqual(["yes"]);
  });

  test("is cut by the end of the client, before or meanwhile", async () => {
    const { clock, controller, work, begin } = house();
    const outcome = begin();
    controller.abort();
    expect(await outcome).toMatchObject({ cut: "aborted" });
    expect(await begin()).toMatchObject({ cut: "aborted" });
    expect(clock.pending).toBe(0);
    work.reject(new Error("nobody is there to be told, and nothing happens"));
  });

  test("has no end of its time if that is 0", async () => {
    const { clock, work, begin } = house(0);
    const outcome = begin();
    clock.advance(1e9);
    work.resolve("yes");
    expect(await outcome).toEqual({ value: "yes" });
  });
});

test("the code of an error is what the system calls it, else its text", () => {
  expect(codeOf(Object.assign(new Error("x"), { code: "ECONNREFUSED" }))).toBe("ECONNREFUSED");
  expect(codeOf(new Error("x"))).toBe("Error: x");
  expect(codeOf("x")).toBe("x");
});
