import { describe, expect, test } from "bun:test";
import * as rules from "./rules.ts";

const files = (entries: Record<string, string>) => new Map(Object.entries(entries));

describe("arrows", () => {
  const imports = (from: string, to: string) =>
    rules.arrows(files({ [from]: `import { x } from "${to}";\n` }));

  test("go left: a route may use the hub, the config, a contract and the wire", () => {
    for (const to of ["../hub.ts", "../config/schema.ts", "../route.ts", "../wire/sse.ts", "./shared.ts"]) {
      expect(imports("src/routes/feed.ts", to)).toEqual([]);
    }
  });

  test("bite when a lower layer imports a higher one", () => {
    expect(imports("src/wire/sse.ts", "../errors.ts")).toEqual([
      "src/wire/sse.ts imports src/errors.ts: wire is left of contracts",
    ]);
    expect(imports("src/connection.ts", "./config/schema.ts")).toHaveLength(1);
    expect(imports("src/config/load.ts", "../log.ts")).toHaveLength(1);
    expect(imports("src/hub.ts", "./routes/room.ts")).toHaveLength(1);
    expect(imports("src/routes/room.ts", "../listener.ts")).toHaveLength(1);
    expect(imports("src/listener.ts", "./gateway.ts")).toHaveLength(1);
    expect(imports("src/gateway.ts", "./index.ts")).toHaveLength(1);
    expect(imports("src/index.ts", "./cli/main.ts")).toHaveLength(1);
  });

  test("bite when routes, engines, sources or admin import one another", () => {
    expect(imports("src/routes/feed.ts", "../engines/memory.ts")).toEqual([
      "src/routes/feed.ts imports src/engines/memory.ts: src/routes/ and src/engines/ do not know each other",
    ]);
    expect(imports("src/sources/stocks.ts", "../admin/api.ts")).toHaveLength(1);
  });

  test("bite when the client imports more than the wire, or the server imports the client", () => {
    expect(imports("src/client/index.ts", "../wire/v1.ts")).toEqual([]);
    expect(imports("src/client/index.ts", "../clock.ts")).toHaveLength(1);
    expect(imports("src/gateway.ts", "./client/index.ts")).toHaveLength(1);
    expect(imports("src/cli/main.ts", "../client/index.ts")).toEqual([]);
  });

  test("bite when src imports what is not src", () => {
    expect(imports("src/cli/main.ts", "../../test/clock.ts")).toHaveLength(1);
  });

  test("see every way to write an import, and none in a comment", () => {
    const bad = '"../gateway.ts"';
    const forms = [
      `import type { x } from ${bad};`,
      `import {\n  a,\n  b,\n} from ${bad};`,
      `export * from ${bad};`,
      `import ${bad};`,
      `const x = await import(${bad});`,
      `type X = import(${bad}).X;`,
    ];
    for (const text of forms) expect(rules.arrows(files({ "src/wire/a.ts": text }))).toHaveLength(1);
    expect(rules.arrows(files({ "src/wire/a.ts": `// import x from ${bad};\n` }))).toEqual([]);
  });
});

describe("cycles", () => {
  test("bite when files import each other, also by type only", () => {
    const three = {
      "src/a.ts": 'import type { B } from "./b.ts";',
      "src/b.ts": 'import { c } from "./c.ts";',
      "src/c.ts": 'import { a } from "./a.ts";',
    };
    expect(rules.cycles(files(three))).toEqual(["src/a.ts -> src/b.ts -> src/c.ts -> src/a.ts"]);
  });

  test("are not seen where two files import the same third", () => {
    const diamond = {
      "src/a.ts": 'import "./b.ts";\nimport "./c.ts";',
      "src/b.ts": 'import "./d.ts";',
      "src/c.ts": 'import "./d.ts";',
    };
    expect(rules.cycles(files(diamond))).toEqual([]);
  });
});

describe("budgets", () => {
  test("bite at line 301 of a file, and 101 of a contract", () => {
    const lines = (count: number) => "x\n".repeat(count);
    expect(
      rules.tooLong(files({ "src/a.ts": lines(300), "src/connection.ts": lines(100), "a.md": lines(999) })),
    ).toEqual([]);
    expect(rules.tooLong(files({ "src/a.ts": lines(301), "src/connection.ts": lines(101) }))).toEqual([
      "src/a.ts: 301 lines, budget 300",
      "src/connection.ts: 101 lines, budget 100",
    ]);
  });

  test("count test lines against source lines", () => {
    expect(
      rules.testRatio(files({ "src/a.ts": "a\nb\n", "test/a.test.ts": "a\nb\nc\n", "a.md": "x\n" })),
    ).toBe(1.5);
  });
});

describe("names", () => {
  const uses = (path: string, text: string) => rules.names(files({ [path]: text }));

  test("bite when a word is used outside of its place", () => {
    for (const text of [
      "Bun.serve({});",
      "Math.random();",
      "setTimeout(run, 5);",
      "setInterval(run, 5);",
      "Date.now();",
      "performance.now();",
      "await Bun.sleep(5);",
      "new Date();",
      "process.exit(1);",
      "// biome-ignore lint: later",
      "// @ts-expect-error later",
    ]) {
      expect(uses("src/hub.ts", text)).toHaveLength(1);
    }
  });

  test("let a word pass in its place and in prose", () => {
    expect(uses("src/listener.ts", "Bun.serve({});")).toEqual([]);
    expect(uses("src/clock.ts", "setTimeout(run, 5);")).toEqual([]);
    expect(uses("src/cli/main.ts", "process.exit(1);")).toEqual([]);
    expect(uses("src/hub.ts", "/** setTimeout is not for us */\nrun(); // nor Bun.serve\n")).toEqual([]);
    expect(uses("src/hub.ts", "new Date(message.time)")).toEqual([]);
  });
});

test("drawers bite on a file or folder whose name says nothing", () => {
  const bad = ["src/utils.ts", "test/util.ts", "src/helpers/a.ts", "src/common.ts"];
  expect(rules.drawers(files(Object.fromEntries([...bad, "src/pipe.ts"].map((path) => [path, ""]))))).toEqual(
    bad,
  );
});

test("headless bites on a source file that does not open with a comment", () => {
  const tree = files({
    "src/a.ts": "export {};\n",
    "src/b.ts": "/** B. */\n",
    "bin/c.mjs": "#!/usr/bin/env node\n/** C. */\n",
  });
  expect(rules.headless(tree)).toEqual(["src/a.ts: no header comment"]);
});

test("machine paths bite on folders and hosts that only one machine knows", () => {
  const bad = [
    "see /home/ann/notes",
    "/root/x",
    "cd /Users/ann/fairlead",
    "/tmp/build/x",
    '"resolved": "https://npm.example/zod.tgz"',
    "http://git.corp/x",
  ];
  for (const text of bad) expect(rules.machinePaths(files({ "docs/a.md": text }))).toHaveLength(1);
  const good =
    '/tmp/x.sock /run/secrets/jwt http://db.internal:5432 "resolved": "https://registry.npmjs.org/zod.tgz"';
  expect(rules.machinePaths(files({ "docs/a.md": good }))).toEqual([]);
});

test("unlocked bites on a package that the lockfile names and does not hold", () => {
  const lock = (packages: object) => files({ "package-lock.json": JSON.stringify({ packages }) });
  const tool = { dependencies: { deep: "1" }, optionalDependencies: { "@tool/mac": "1" } };
  const whole = {
    "": { dependencies: { tool: "1" } },
    "node_modules/tool": tool,
    "node_modules/@tool/mac": {},
  };
  expect(rules.unlocked(lock({ ...whole, "node_modules/deep": {} }))).toEqual([]);
  expect(rules.unlocked(lock({ ...whole, "node_modules/tool/node_modules/deep": {} }))).toEqual([]);
  expect(rules.unlocked(lock(whole))).toEqual([
    "node_modules/tool needs deep, which is not in package-lock.json",
  ]);
});
