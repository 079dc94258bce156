import { describe, expect, test } from "bun:test";
import { combinationProblems } from "../../src/config/checks.ts";
import { formatPath } from "../../src/config/key-path.ts";

const at = (path: string, route: unknown) =>
  combinationProblems({ routes: { [path]: route } }).map(
    ({ path: where, text }) => `${formatPath(where)}: ${text}`,
  );

test("refuses two routes that match exactly the same paths", () => {
  const routes = { "/a/:x": { kind: "echo" }, "/a/:y": { kind: "echo" }, "/a/b": { kind: "echo" } };
  expect(combinationProblems({ routes })).toEqual([
    {
      path: ["routes", "/a/:y"],
      text: 'matches exactly what "/a/:x" matches',
      hint: " Keep one of the two.",
    },
  ]);
});

test("refuses a path of the gateway's own, and one that is no path", () => {
  expect(at("/metrics", { kind: "echo" })[0]).toContain("the gateway's own");
  expect(at("echo", { kind: "echo" })[0]).toContain("does not start with /");
});

test("refuses a proxy that is neither an address nor a network", () => {
  const problems = combinationProblems({
    trustProxy: ["127.0.0.1", "proxy.internal", "fd00::/8", "10.0.0.0/33", 5, "unix"],
  });
  expect(problems.map(({ path, text }) => `${formatPath(path)}: ${text}`)).toEqual([
    "trustProxy[1]: expected an address or a network",
    "trustProxy[3]: expected an address or a network",
  ]);
  expect(combinationProblems({ trustProxy: "127.0.0.1" })).toEqual([]);
});

describe("a room or a feed", () => {
  test.each(["room", "feed"])("refuses a second parameter when it is a %s", (kind) => {
    expect(at("/r/:a", { kind })).toEqual([]);
    expect(at("/r/:a/:b", { kind })[0]).toContain("has 2 parameters");
  });

  test("leaves parameters to the other kinds", () => {
    expect(at("/r/:a/:b", { kind: "echo" })).toEqual([]);
  });
});

describe("a feed refuses", () => {
  const feed = (options: object, path = "/f") => at(path, { kind: "feed", ...options });

  test("an interval without the source stocks", () => {
    expect(feed({ interval: "1s" })[0]).toContain("interval: is the pace of the source stocks");
    expect(feed({ interval: "1s", source: () => 1 })[0]).toContain("interval: is the pace");
    expect(feed({ interval: "1s", source: "stocks" })).toEqual([]);
  });

  test.each([0, "0", "0s", "0.0ms"])("the interval %p", (interval) => {
    expect(feed({ interval, source: "stocks" })[0]).toContain("must be above 0");
  });

  test("a topic beside a parameter that names it", () => {
    expect(feed({ topic: "news" }, "/f/:topic")[0]).toContain("topic: is named by :topic of the path");
    expect(feed({ topic: "news" })).toEqual([]);
  });

  test.each(["", "a b", "a..b", ".a", "a.", "a.*", ">", "a\u0000", "ü".repeat(128)])(
    "the topic %p",
    (topic) => {
      expect(feed({ topic })[0]).toContain("is no topic name");
    },
  );

  test.each(["a", "a.b.c", "ü".repeat(127), "a-b_c"])("not the topic %p", (topic) => {
    expect(feed({ topic })).toEqual([]);
  });

  test("the policy latest without a key", () => {
    expect(feed({ slow: { policy: "latest" } })[0]).toContain(
      "slow.policy: keeps the newest value of each key",
    );
    expect(feed({ slow: { policy: "latest" }, keyField: "symbol" })).toEqual([]);
  });
});

test("refuses a standby for a pipe, which nobody can join in its middle", () => {
  const relay = (route: object) => at("/r", { kind: "relay", ...route });
  expect(relay({ mode: "pipe", third: "standby" })).toEqual([
    'routes["/r"].third: is not possible in mode pipe',
  ]);
  expect(relay({ mode: "pipe", third: "replace" })).toEqual([]);
  expect(relay({ third: "standby" })).toEqual([]);
});

test("refuses a recording of messages, which are not a stream", () => {
  expect(at("/r", { kind: "relay", record: "x" })).toEqual(['routes["/r"].record: records pipes']);
  expect(at("/r", { kind: "relay", mode: "pipe", record: { dir: "x" } })).toEqual([]);
});

test("passes over what has the wrong type, which the schema tells", () => {
  expect(combinationProblems({ routes: [] })).toEqual([]);
  expect(at("/r", null)).toEqual([]);
  expect(at("/r", { kind: "feed", topic: 1, interval: {}, source: "stocks", slow: 1 })).toEqual([]);
  expect(at("/r", { kind: "bridge", target: 1, subprotocols: "mqtt" })).toEqual([]);
});
