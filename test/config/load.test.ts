import { describe, expect, test } from "bun:test";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { demoConfig } from "../../src/config/demo.ts";
import type { LoadOptions } from "../../src/config/load.ts";
import { loadConfig } from "../../src/config/load.ts";
import { findConfigFile } from "../../src/config/read-file.ts";
import { folder } from "../folder.ts";

type Rest = Partial<Omit<LoadOptions, "base">>;

function load(files: Record<string, string>, rest: Rest = {}) {
  const file = Object.keys(files)[0] ?? "none.yaml";
  return loadConfig({ base: { file }, folder: folder(files), env: {}, flags: [], ...rest });
}

/** The lines of the error, or none. */
async function told(files: Record<string, string>, rest: Rest = {}): Promise<string[]> {
  try {
    await load(files, rest);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ code: "CONFIG_INVALID" });
    return error instanceof Error ? error.message.split("\n") : [];
  }
}

const port = (value: number) => [
  { path: ["listen", "port"], value, origin: { from: "flag", name: "--port" } as const },
];

test("takes a $schema for the editor, and only at the top", async () => {
  const { config } = await load({ "a.json": '{"$schema":"./x.json","listen":{"port":1}}' });
  expect(config.listen.port).toBe(1);
  expect(await told({ "a.json": '{"listen":{"$schema":"./x.json"}}' })).toEqual([
    expect.stringContaining("unknown key"),
  ]);
});

describe("says the same thing in", () => {
  test.each([
    ["a.yaml", 'listen:\n  port: 1\nroutes:\n  "/e": { kind: echo, maxMessage: 1KiB }\n'],
    ["a.yml", "\ufefflisten: {port: 1}\nroutes: {/e: {kind: echo, maxMessage: 1KiB}}\n"],
    ["a.toml", '[listen]\nport = 1\n[routes."/e"]\nkind = "echo"\nmaxMessage = "1KiB"\n'],
    ["a.json", '{"listen":{"port":1},"routes":{"/e":{"kind":"echo","maxMessage":1024}}}'],
    [
      "a.ts",
      'import { defineConfig } from "fairlead";\nexport default defineConfig({ listen: { port: 1 }, routes: { "/e": { kind: "echo", maxMessage: 1024 } } });',
    ],
    [
      "a.mjs",
      'export default { listen: { port: 1 }, routes: { "/e": { kind: "echo", maxMessage: 1024 } } };',
    ],
  ])("%s", async (name, text) => {
    const { config } = await load({ [name]: text });
    expect(config.listen).toMatchObject({ host: "127.0.0.1", port: 1 });
    expect(config.routes["/e"]).toMatchObject({ kind: "echo", maxMessage: 1024 });
  });
});

describe("takes", () => {
  const files = { "a.yaml": "listen: { port: 1 }\n" };

  test("a flag before the environment, that before the file, and the file before the default", async () => {
    const env = { FAIRLEAD_LISTEN__PORT: "2" };
    const ports = [
      await load(files, { env, flags: port(3) }),
      await load(files, { env }),
      await load(files),
      await load({ "b.yaml": "log: { level: debug }\n" }),
    ];
    expect(ports.map(({ config, originOf }) => [config.listen.port, originOf(["listen", "port"])])).toEqual([
      [3, { from: "flag", name: "--port" }],
      [2, { from: "env", name: "FAIRLEAD_LISTEN__PORT" }],
      [1, { from: "file", name: "a.yaml", line: 1 }],
      [8080, { from: "default", name: "default" }],
    ]);
  });

  test("functions of a TypeScript config as they are", async () => {
    const text = 'export default { routes: { "/f": { kind: "feed", source: async function* own() {} } } };';
    const { config } = await load({ "a.ts": text });
    expect(config.routes["/f"]).toMatchObject({ source: expect.any(Function) });
  });

  test("a preset in place of a file", async () => {
    const base = { name: "demo", preset: demoConfig("127.0.0.1:9") };
    const { config, originOf } = await loadConfig({ base, folder: "/", env: {}, flags: port(0) });
    expect(Object.values(config.routes).map(({ kind }) => kind)).toEqual([
      "echo",
      "room",
      "feed",
      "relay",
      "bridge",
    ]);
    expect(originOf(["routes", "/bridge", "target"])).toEqual({ from: "preset", name: "demo" });
  });
});

describe("tells all errors at once", () => {
  test("in order of line, then the environment, then flags", async () => {
    const files = {
      "a.toml":
        '[routes."/b"]\nkind = "bridge"\ntarget = "nowhere"\n\n[listen]\nprot = 1\n\n[routes."/healthz"]\nkind = "echo"\n',
    };
    const env = { FAIRLEAD_LOG__LEVEL: "loud", FAIRLEAD_XYZZYX: "1" };
    expect(
      (await told(files, { env, flags: port(-1) })).map((line) => line.split(": ").slice(0, 2).join(": ")),
    ).toEqual([
      'a.toml:3: routes["/b"].target',
      "a.toml:6: listen.prot",
      'a.toml:8: routes["/healthz"]',
      "env FAIRLEAD_XYZZYX: sets no option.",
      "env FAIRLEAD_LOG__LEVEL: log.level",
      "--port: expected a whole number from 0 to 65535, got -1.",
    ]);
  });

  test("with the line of JSON and YAML, and none for TypeScript", async () => {
    const wrong = 'listen.port: expected a whole number from 0 to 65535, got "x".';
    expect(await told({ "a.json": '{\n"listen": {\n"port": "x" } }' })).toEqual([`a.json:3: ${wrong}`]);
    expect(await told({ "a.yaml": 'listen:\n\n  port: "x"\n' })).toEqual([`a.yaml:3: ${wrong}`]);
    expect(await told({ "a.ts": 'export default { listen: { port: "x" } };' })).toEqual([`a.ts: ${wrong}`]);
  });

  test("but the first hundred of thousands, and how many more there are", async () => {
    const lines = await told({
      "a.yaml": Array.from({ length: 1_000 }, (_, index) => `k${index}: 1`).join("\n"),
    });
    expect([lines.length, lines.at(-1)]).toEqual([101, "... and 900 more"]);
  });

  test("without the value when it came from a secret's file", async () => {
    const root = folder({ secret: "hunter2" });
    const env = { FAIRLEAD_LISTEN__PORT_FILE: join(root, "secret") };
    expect(await told({ "a.yaml": "log: {}\n" }, { env })).toEqual([
      "env FAIRLEAD_LISTEN__PORT_FILE: listen.port: expected a whole number from 0 to 65535, got [redacted].",
    ]);
  });
});

describe("refuses in one line", () => {
  test.each([
    ["an empty file", "a.yaml", "", "a.yaml: holds no settings; write at least a route"],
    ["white space", "a.json", " \n", "a.json: holds no settings"],
    ["only comments", "a.yaml", "# later\n", "a.yaml: holds no settings"],
    ["a mere value", "a.yaml", "hello\n", 'a.yaml: expected a table of keys, got "hello"'],
    ["a list", "a.json", "[]", "a.json: expected a table of keys, got a list of 0"],
    ["an extension it does not know", "a.ini", "x=1", 'a.ini: has the extension ".ini"; a config is'],
    ["a module without a default export", "a.ts", "export const x = 1;", "a.ts: has no default export"],
    [
      "a module that throws",
      "a.ts",
      'throw new Error("no\\u001b[31m luck");',
      "a.ts: cannot be loaded: no\\u001b[31m luck",
    ],
    ["a module that is no TypeScript", "a.ts", "export default {", "a.ts: cannot be loaded: "],
    [
      "a module whose default is a function",
      "a.ts",
      "export default () => ({});",
      "a.ts: expected a table of keys, got a function",
    ],
    [
      "a nested bomb",
      "a.toml",
      `[${"a.".repeat(50_000)}a]`,
      "a.toml:1: a.a.a: is nested deeper than 32 levels",
    ],
  ])("%s", async (_, name, text, line) => {
    const lines = await told({ [name]: text });
    expect([lines.length, lines[0]?.slice(0, line.length)]).toEqual([1, line]);
  });

  test("what is not there, not a file, not text or too large", async () => {
    const root = folder();
    mkdirSync(join(root, "dir.yaml"));
    writeFileSync(join(root, "latin.yaml"), Buffer.from([0x61, 0x3a, 0x20, 0xfc]));
    writeFileSync(join(root, "large.json"), "");
    truncateSync(join(root, "large.json"), 1_048_577);
    const at = (file: string) =>
      loadConfig({ base: { file }, folder: root, env: {}, flags: [] }).catch((error: Error) => error.message);
    expect(await at("none.yaml")).toBe("none.yaml: does not exist; check the path.");
    expect(await at("dir.yaml")).toBe("dir.yaml: is a directory; give the file in it.");
    expect(await at("latin.yaml")).toBe("latin.yaml: is not UTF-8; save it as UTF-8.");
    expect(await at("large.json")).toBe("large.json: has 1048577 bytes; a config has at most 1048576.");
    expect(await at("/dev/zero")).toBe("/dev/zero: is not a regular file.");
  });
});

describe("looks for a file", () => {
  test("by its names, and finds none where none is", () => {
    expect(findConfigFile(folder())).toBeUndefined();
    expect(findConfigFile(folder({ "fairlead.toml": "", "other.yaml": "" }))).toBe("fairlead.toml");
  });

  test("and refuses to choose between two", () => {
    const root = folder({ "fairlead.yaml": "", "fairlead.config.ts": "" });
    expect(() => findConfigFile(root)).toThrow(
      "fairlead.config.ts and fairlead.yaml are both here; keep one, or choose with --config FILE",
    );
  });
});

test("ends in a config or in errors, whatever the bytes of the file", async () => {
  const root = folder();
  const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."{}[]:,\"'\n #-&*=.a0/") }));
  const bytes = fc.oneof(
    text.map((value) => Buffer.from(value)),
    fc.uint8Array({ maxLength: 40 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("x.yaml", "x.toml", "x.json"), bytes, async (file, content) => {
      writeFileSync(join(root, file), content);
      const result = await loadConfig({ base: { file }, folder: root, env: {}, flags: [] }).catch(
        (error) => error,
      );
      expect("config" in result || result.code === "CONFIG_INVALID").toBe(true);
    }),
    { numRuns: 300 },
  );
});
