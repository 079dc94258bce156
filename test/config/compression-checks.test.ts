import { describe, expect, test } from "bun:test";
import { compressionProblems } from "../../src/config/compression-checks.ts";
import { formatPath } from "../../src/config/key-path.ts";
import { problemText } from "../../src/config/problems.ts";
import { validate } from "../../src/config/validate.ts";

const problems = (routes: Record<string, unknown>) =>
  compressionProblems(routes).map((problem) => `${formatPath(problem.path)}: ${problemText(problem)}`);

describe("compression", () => {
  test.each([false, {}, { threshold: 0 }, { shared: true }, "wrong", undefined])(
    "may be %p",
    (compression) => {
      expect(problems({ "/a": { compression }, "/b": { maxMessage: 5 } })).toEqual([]);
    },
  );

  test.each([0, "0", "0B"])("is refused if a route of the port has maxMessage %p", (maxMessage) => {
    expect(problems({ "/a": { compression: {} }, "/b": { maxMessage } })).toEqual([
      'routes["/a"].compression: is not possible while the route "/b" of the same port has maxMessage 0: a few bytes would inflate without a limit. Give that route a maxMessage, or remove compression.',
    ]);
    expect(problems({ "/a": { compression: true, maxMessage } })[0]).toContain(
      "while its route has maxMessage 0",
    );
  });

  test("has one compressor for all connections: there is no other", () => {
    const compressed = (compression: unknown) =>
      validate({ routes: { "/a": { kind: "echo", compression } } });
    expect(compressed({ shared: true })).toHaveProperty("config");
    expect(compressed({ shared: false })).toMatchObject({
      problems: [{ path: ["routes", "/a", "compression", "shared"], text: "expected true", received: false }],
    });
  });

  test("has nothing to say of routes that have it off, or are none", () => {
    expect(problems({ "/a": { maxMessage: 0, compression: false }, "/b": 5, "/c": null })).toEqual([]);
  });
});
