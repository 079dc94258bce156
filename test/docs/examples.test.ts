import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { createApiKeys } from "../../src/auth/api-keys.ts";
import { loadConfig } from "../../src/config/load.ts";
import { CONFIG_NAMES } from "../../src/config/read-file.ts";
import { root } from "./markdown.ts";

const KINDS = ["bridge", "echo", "feed", "relay", "room"];
const WITH_LIBRARY = ["feed", "room"];
const examples = join(root, "examples");

test("there is an example of every kind, one of who may come in, one of several nodes, and no other folder", () => {
  const folders = readdirSync(examples, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual(["auth", ...KINDS, "cluster"].sort());
});

for (const kind of KINDS) {
  const names = readdirSync(join(examples, kind));
  const file = join(examples, kind, names.find((name) => CONFIG_NAMES.some((known) => known === name)) ?? "");

  test(`the example of ${kind} has a client, and a valid config with one route of that kind`, async () => {
    expect(names).toContain("client.js");
    const { config } = await loadConfig({ base: { file }, folder: dirname(file), env: {}, flags: [] });
    expect(Object.values(config.routes).map((route) => route.kind as string)).toEqual([kind]);
  });

  if (WITH_LIBRARY.includes(kind)) {
    test(`the example of ${kind} has a page and a script that use the library`, () => {
      const scripts = names.filter((name) => name.endsWith(".js") && name !== "client.js");
      for (const name of ["index.html", ...scripts])
        expect(readFileSync(join(examples, kind, name), "utf8")).toContain('from "fairlead/client"');
      expect(scripts).toHaveLength(1);
    });
  }

  if (!file.endsWith(".yaml")) continue;
  test(`the config of the example of ${kind} tells editors its schema`, () => {
    const schema = /^# yaml-language-server: \$schema=(\S+)\n/.exec(readFileSync(file, "utf8"))?.[1] ?? "";
    expect(existsSync(resolve(dirname(file), schema))).toBe(true);
    expect(basename(schema)).toBe("fairlead.schema.json");
  });
}

test("the example of who may come in has a valid config, and the key that its server publishes with", async () => {
  const folder = join(examples, "auth");
  const file = join(folder, "fairlead.yaml");
  const { config } = await loadConfig({ base: { file }, folder, env: {}, flags: [] });
  const [key = ""] = /fl_[\w-]+/.exec(readFileSync(join(folder, "server.ts"), "utf8")) ?? [];
  expect(createApiKeys(config.auth?.keys ?? {}).check(key)).toMatchObject({ tokenId: "app" });
  expect(readFileSync(join(folder, "index.html"), "utf8")).toContain('from "fairlead/client"');
});

test("the example of several nodes has a valid config with an engine that they share, and uses the library", async () => {
  const folder = join(examples, "cluster");
  const file = join(folder, "fairlead.yaml");
  const { config } = await loadConfig({ base: { file }, folder, env: {}, flags: [] });
  expect(config.engine).toMatchObject({ redis: "redis://127.0.0.1:6379" });
  expect(readFileSync(join(folder, "cluster.ts"), "utf8")).toContain('from "fairlead/client"');
});
