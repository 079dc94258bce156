import { describe, expect, test } from "bun:test";
import { formatPath, isTable, showValue, valueAt } from "../../src/config/key-path.ts";

describe("a path is shown", () => {
  test("with dots where keys are names, and quoted where they are not", () => {
    expect(formatPath(["listen", "port"])).toBe("listen.port");
    expect(formatPath(["routes", "/a b", "subprotocols", 0])).toBe('routes["/a b"].subprotocols[0]');
    expect(formatPath([])).toBe("(root)");
  });

  test("in one short line when a key is long or has control characters", () => {
    expect(formatPath(["\u001b[31mred"])).toBe('["\\u001b[31mred"]');
    expect(formatPath(["k".repeat(5_000)]).length).toBeLessThan(80);
  });
});

describe("a value is shown", () => {
  test.each([
    ["hi", '"hi"'],
    [42, "42"],
    [Number.NaN, "NaN"],
    [true, "true"],
    [null, "null (nothing)"],
    [undefined, "nothing"],
    [[1, 2], "a list of 2"],
    [{ password: "hunter2" }, "a table of keys"],
    [() => 1, "a function"],
    [new Date(0), "a date"],
    [10n, "10"],
    [Symbol("s"), "Symbol(s)"],
  ])("%p as %s", (value, shown) => {
    expect(showValue(value)).toBe(shown);
  });

  test("without what a terminal would obey", () => {
    expect(showValue("\u001b]0;x\u0007\u007f\u009b\u202e\n")).toBe(
      '"\\u001b]0;x\\u0007\\u007f\\u009b\\u202e\\n"',
    );
  });

  test("cut when it is long", () => {
    expect(showValue("x".repeat(1_000_000)).length).toBeLessThan(70);
    expect(showValue(`\u0007`.repeat(1_000)).length).toBeLessThan(400);
  });

  test("without the password of a URL", () => {
    expect(showValue("redis://user:hunter2@db:6379")).toBe('"redis://[redacted]@db:6379"');
  });
});

test("finds values under own keys only", () => {
  expect(valueAt({ a: [{ b: 1 }] }, ["a", 0, "b"])).toBe(1);
  expect(valueAt({}, ["constructor"])).toBeUndefined();
  expect(valueAt([], ["length"])).toBe(0);
  expect(valueAt([], ["map"])).toBeUndefined();
  expect(valueAt({ a: 1 }, ["a", "toFixed"])).toBeUndefined();
  expect(valueAt(null, ["a"])).toBeUndefined();
});

test("takes for a table what a file can write, and no list, date or instance", () => {
  expect([{}, Object.create(null)].every(isTable)).toBe(true);
  expect([[], new Date(), new Map(), null, "x", () => 1].some(isTable)).toBe(false);
});
