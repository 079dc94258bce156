import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatPath } from "../../src/config/key-path.ts";
import { problemText } from "../../src/config/problems.ts";
import { parseConfig, validate } from "../../src/config/validate.ts";

/** Each problem as `path: text`; a valid config has none. */
function problemsOf(input: unknown): string[] {
  const result = validate(input);
  return "config" in result
    ? []
    : result.problems.map((problem) => `${formatPath(problem.path)}: ${problemText(problem)}`);
}

const route = (options: unknown) => ({ routes: { "/r": options } });

test("gives a config with every default when nothing is written", () => {
  const result = validate({});
  expect("config" in result && result.config).toMatchObject({
    listen: { host: "127.0.0.1", port: 8080 },
    drain: { delay: 0, window: 10_000 },
    routes: {},
  });
});

test("turns durations and sizes into numbers", () => {
  const { routes } = parseConfig(route({ kind: "echo", maxMessage: "64KiB", stallTimeout: "1.5s" }));
  expect(routes["/r"]).toMatchObject({ maxMessage: 65_536, stallTimeout: 1_500 });
});

test("takes its own result again, so that a config may be validated twice", () => {
  const once = parseConfig(route({ kind: "feed", source: "stocks" }));
  expect(parseConfig({ ...once, routes: { "/r": { kind: "room" } } }).listen).toEqual(once.listen);
  expect(parseConfig(route({ kind: "room", history: { ttl: 60_000 } })).routes["/r"]).toMatchObject({
    history: { ttl: 60_000 },
  });
});

describe("says what is wrong when", () => {
  test.each<[string, unknown, string]>([
    [
      "a key is unknown and near another",
      { listen: { prot: 1 } },
      "listen.prot: unknown key, got 1. Did you mean port?",
    ],
    [
      "a key is near none",
      { log: { banana: 1 } },
      "log.banana: unknown key, got 1. Known here: level, format.",
    ],
    [
      "a number is out of range",
      { listen: { port: 70_000 } },
      "listen.port: expected a whole number from 0 to 65535, got 70000.",
    ],
    [
      "a number has no upper end",
      route({ kind: "room", history: { size: -1 } }),
      'routes["/r"].history.size: expected a whole number from 0 up, got -1.',
    ],
    [
      "a number need not be whole",
      { limits: { subscribes: -0.5 } },
      "limits.subscribes: expected a number from 0 up, got -0.5.",
    ],
    [
      "a number is a text",
      { listen: { port: "80" } },
      'listen.port: expected a whole number from 0 to 65535, got "80".',
    ],
    ["a section is empty", { listen: null }, "listen: expected a table of keys, got null (nothing)."],
    ["a section is a list", { listen: [1] }, "listen: expected a table of keys, got a list of 1."],
    [
      "a word is near another",
      { log: { level: "inf" } },
      'log.level: expected "debug", "info", "warn", "error" or "silent", got "inf". Did you mean info?',
    ],
    [
      "the engine is a word that is none",
      { engine: "sqlite" },
      'engine: expected "memory", a table of sqlite and sync or a table of redis, sentinel, cluster, password, ca, prefix, timeout, lease, pending and strict, got "sqlite".',
    ],
    [
      "a list needs an entry",
      route({ kind: "bridge", allow: [] }),
      'routes["/r"].allow: expected a list with an entry, got a list of 0.',
    ],
    [
      "a table of three keys may stand there",
      route({ kind: "bridge", target: "127.0.0.1:1", record: 5 }),
      'routes["/r"].record: expected a text or a table of dir, bytes and files, got 5.',
    ],
    ["the engine's file is no text", { engine: { sqlite: 5 } }, "engine.sqlite: expected a text, got 5."],
    [
      "the engine's file is missing",
      { engine: { sync: "always" } },
      "engine.sqlite: is missing; expected a text (the engine's file; its folder is made when it is not there).",
    ],
    [
      "a key of the engine is near another",
      { engine: { sqlite: "a.db", synk: "always" } },
      'engine.synk: unknown key, got "always". Did you mean sync?',
    ],
    [
      "the engine waits for the disk in no known way",
      { engine: { sqlite: "a.db", sync: "alway" } },
      'engine.sync: expected "batch" or "always", got "alway". Did you mean always?',
    ],
    [
      "a boolean is a text",
      route({ kind: "room", echo: "yes" }),
      'routes["/r"].echo: expected true or false, got "yes".',
    ],
    [
      "an option is a text or false",
      route({ kind: "echo", welcome: true }),
      'routes["/r"].welcome: expected a text or false, got true.',
    ],
    [
      "a kind is unknown",
      route({ kind: "eco" }),
      'routes["/r"].kind: expected "echo", "room", "feed", "relay" or "bridge", got "eco". Did you mean echo?',
    ],
    [
      "a kind is missing",
      route({}),
      'routes["/r"].kind: is missing; expected "echo", "room", "feed", "relay" or "bridge".',
    ],
    [
      "a target is missing",
      route({ kind: "bridge" }),
      'routes["/r"]: leads nowhere. Add one of target, targets, tokens, allow.',
    ],
    [
      "a duration is none",
      route({ kind: "echo", stallTimeout: "5 bananas" }),
      'routes["/r"].stallTimeout: expected a duration up to 24 days like "25s" or 25000 (milliseconds), got "5 bananas".',
    ],
    [
      "a duration is too long for a timer",
      route({ kind: "echo", stallTimeout: "30d" }),
      'routes["/r"].stallTimeout: expected a duration up to 24 days like "25s" or 25000 (milliseconds), got "30d".',
    ],
    [
      "a size is a boolean",
      route({ kind: "echo", maxMessage: true }),
      'routes["/r"].maxMessage: expected a size like "64KiB" or 65536 (bytes), got true.',
    ],
    [
      "a hook is no function",
      route({ kind: "echo", onOpen: "log" }),
      'routes["/r"].onOpen: expected a function (TypeScript config only), got "log".',
    ],
    [
      "a source is no source",
      route({ kind: "feed", source: "stock" }),
      'routes["/r"].source: expected "stocks" or a function (TypeScript config only), got "stock". Did you mean stocks?',
    ],
    [
      "a list item has the wrong type",
      route({ kind: "bridge", target: "a:1", subprotocols: [1] }),
      'routes["/r"].subprotocols[0]: expected a text, got 1.',
    ],
    [
      "a path is called __proto__",
      JSON.parse('{"routes":{"__proto__":{"kind":"echo"}}}'),
      "routes.__proto__: is not a route; a route's path starts with /.",
    ],
    [
      "a key is called __proto__",
      JSON.parse('{"listen":{"__proto__":{"port":1}}}'),
      "listen.__proto__: unknown key, got a table of keys. Known here: host, port, unix, unixMode, tls, devTls, plainPort, reusePort, workerPort.",
    ],
  ])("%s", (_, input, problem) => {
    expect(problemsOf(input)).toEqual([problem]);
  });
});

test("keeps a value to itself when its unknown key sounds like a secret", () => {
  expect(problemsOf({ jwtSecret: "hunter2" })[0]).toContain("unknown key, got [redacted].");
  expect(problemsOf({ listen: { password: "hunter2" } })[0]).not.toContain("hunter2");
});

test("tells everything at once, combinations of a route with a wrong type too", () => {
  const bridge = { kind: "bridge", target: "nowhere", subprotocols: ["a b"], dialPending: "x", oops: 1 };
  const problems = problemsOf({
    listen: { port: -1 },
    routes: { "/healthz": { kind: "echo" }, "/b": bridge },
  });
  expect(problems.map((text) => text.split(": ")[0])).toEqual([
    "listen.port",
    'routes["/b"].dialPending',
    'routes["/b"].oops',
    'routes["/healthz"]',
    'routes["/b"].target',
    'routes["/b"].subprotocols[0]',
  ]);
});

test("refuses a value that nests too deep, or in a circle", () => {
  const circle: Record<string, unknown> = {};
  circle["routes"] = circle;
  expect(problemsOf(circle)).toEqual(["routes.routes.routes: is nested deeper than 32 levels."]);
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  expect(problemsOf({ listen: deep })).toEqual(["listen[0][0]: is nested deeper than 32 levels."]);
});

test("refuses as a whole config what is no table", () => {
  for (const input of [undefined, null, 1, "x", [], () => 1]) {
    expect(problemsOf(input)[0]).toStartWith("(root): ");
  }
});

test("throws one error that lists everything when it is asked for the config itself", () => {
  expect(() => parseConfig({ listen: { prot: 1, port: "x" } })).toThrow(
    expect.objectContaining({
      code: "CONFIG_INVALID",
      message:
        'the config is not valid:\n  listen.port: expected a whole number from 0 to 65535, got "x".\n  listen.prot: unknown key, got 1. Did you mean port?',
    }),
  );
});

test("finds a config or problems in anything, and never throws", () => {
  const keys = fc.constantFrom(
    "listen",
    "port",
    "routes",
    "/a",
    "/:x",
    "kind",
    "feed",
    "bridge",
    "target",
    "slow",
    "policy",
    "__proto__",
    "constructor",
    "interval",
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.anything(),
      keys,
      fc.dictionary(keys, tie("tree")),
      fc.array(tie("tree"), { maxLength: 3 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (input) => {
      const result = validate(input);
      if ("problems" in result) expect(result.problems.map(problemText).join("").length).toBeGreaterThan(0);
    }),
    { numRuns: 1_000 },
  );
});
