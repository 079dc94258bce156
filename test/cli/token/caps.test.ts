/** Rights as one writes them in a shell. */
import { describe, expect, test } from "bun:test";
import { capsLines, checkRoutes, readCaps } from "../../../src/cli/token/caps.ts";

test("a route, a right and patterns; without a pattern every name; said again, both", () => {
  expect(readCaps(["/feed/:topic subscribe a.* b", "* publish", "/feed/:topic subscribe c"])).toEqual({
    "/feed/:topic": { subscribe: ["a.*", "b", "c"] },
    "*": { publish: true },
  });
  expect(readCaps(["* publish a", "* publish"])).toEqual({ "*": { publish: true } });
  expect(readCaps(["* publish", "* publish a"])).toEqual({ "*": { publish: true } });
});

test("none given are no caps, not empty ones", () => {
  expect(readCaps([])).toBeUndefined();
});

describe("is refused", () => {
  for (const [text, problem] of [
    ["", "begins with no route"],
    ["feed subscribe", "begins with no route"],
    ["/feed", '"" is none of subscribe'],
    ["/feed subscrib a", "Did you mean subscribe?"],
    ["/feed subscribe a*", '"a*" is no pattern'],
    ["/feed subscribe a.>", '"a.>" is no pattern'],
    ["/feed __proto__ a", '"__proto__" is none of'],
  ] as const)
    test(`${JSON.stringify(text)}: ${problem}`, () => expect(() => readCaps([text])).toThrow(problem));
});

test("name routes of the config, or all of them", () => {
  const check = (...caps: string[]) => checkRoutes(readCaps(caps) ?? {}, ["/feed/:topic", "/echo"]);
  expect(() => check("/feed/:topic subscribe", "* connect", "/echo connect")).not.toThrow();
  expect(() => check("/feed/:topics subscribe")).toThrow(
    '--cap: "/feed/:topics" is no route of the config. Did you mean /feed/:topic?',
  );
  expect(() => check("/elsewhere/far publish")).toThrow("It has /feed/:topic, /echo.");
});

test("are read back a line for each right", () => {
  const caps = { "/a": { publish: true, subscribe: ["x", "y.*"] }, "/b": {}, "/c": { connect: [] } } as const;
  expect(capsLines(caps)).toEqual([
    "/a subscribe x y.*",
    "/a publish (every name)",
    "/b (nothing)",
    "/c connect (no name)",
  ]);
});
