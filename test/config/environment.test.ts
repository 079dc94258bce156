import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Environment } from "../../src/config/environment.ts";
import { readEnvironment, variableOf } from "../../src/config/environment.ts";
import { formatProblems } from "../../src/config/problems.ts";
import { folder } from "../folder.ts";

const routes = { "/feed/:topic": { kind: "feed" }, "/b": { kind: "bridge", subprotocols: [] } };

function read(env: Environment) {
  const { settings, problems } = readEnvironment(env, { routes });
  return { set: settings.map(({ path, value }) => [path.join(" "), value]), told: formatProblems(problems) };
}

describe("a variable sets", () => {
  test.each<[string, string, string, unknown]>([
    ["FAIRLEAD_LISTEN__PORT", "9000", "listen port", 9000],
    ["FAIRLEAD_listen__Port", "9000", "listen port", 9000],
    ["FAIRLEAD_LISTEN__HOST", "0.0.0.0", "listen host", "0.0.0.0"],
    ["FAIRLEAD_LISTEN__HOST", "1", "listen host", "1"],
    ["FAIRLEAD_DRAIN__WINDOW", "3s", "drain window", "3s"],
    ["FAIRLEAD_DRAIN__WINDOW", "3000", "drain window", 3000],
    ["FAIRLEAD_LOG__LEVEL", "debug", "log level", "debug"],
    ["FAIRLEAD_ENGINE", "memory", "engine", "memory"],
    ["FAIRLEAD_ENGINE__SQLITE", "a.db", "engine sqlite", "a.db"],
    ["FAIRLEAD_ROUTES__FEED_TOPIC__MAX_MESSAGE", "1KiB", "routes /feed/:topic maxMessage", "1KiB"],
    ["FAIRLEAD_ROUTES__FEEDTOPIC__MAXMESSAGE", "1KiB", "routes /feed/:topic maxMessage", "1KiB"],
    ["FAIRLEAD_ROUTES__FEED_TOPIC__PUBLISH", "true", "routes /feed/:topic publish", true],
    ["FAIRLEAD_ROUTES__FEED_TOPIC__WELCOME", "false", "routes /feed/:topic welcome", false],
    ["FAIRLEAD_ROUTES__FEED_TOPIC__WELCOME", "", "routes /feed/:topic welcome", ""],
    ["FAIRLEAD_ROUTES__B__SUBPROTOCOLS", "mqtt, stomp", "routes /b subprotocols", ["mqtt", "stomp"]],
    ["FAIRLEAD_ROUTES__B__TARGET", "db:5432", "routes /b target", "db:5432"],
  ])("%s=%s: %s", (name, text, path, value) => {
    expect(read({ [name]: text })).toEqual({ set: [[path, value]], told: [] });
  });

  test("nothing when it belongs to the launcher, the tests or somebody else", () => {
    const env = { FAIRLEAD_BUN: "/bun", FAIRLEAD_REQUIRE: "node", PATH: "/bin", FAIRLEADER: "x" };
    expect(read(env)).toEqual({ set: [], told: [] });
  });

  test("a text that fits nothing, so that the schema can show it", () => {
    expect(read({ FAIRLEAD_LISTEN__PORT: "http" }).set).toEqual([["listen port", "http"]]);
  });
});

describe("a variable is an error, with the nearest right name, when", () => {
  test.each([
    ["FAIRLEAD_LISTEN__PRT", "sets no option. Did you mean FAIRLEAD_LISTEN__PORT?"],
    ["FAIRLEAD_LISTEN_PORT", "sets no option. Did you mean FAIRLEAD_LISTEN__PORT?"],
    ["FAIRLEAD_PORT", "sets no option. Did you mean FAIRLEAD_NODE?"],
    ["FAIRLEAD_", "sets no option."],
    ["FAIRLEAD_LISTEN__PORT__X", "sets no option. Did you mean FAIRLEAD_LISTEN__PORT?"],
    ["FAIRLEAD_ROUTES__FEED__PUBLISH", "sets no option. Did you mean FAIRLEAD_ROUTES__FEED_TOPIC__PUBLISH?"],
    ["FAIRLEAD_LISTEN", "names a section; set an option in it, like FAIRLEAD_LISTEN__HOST."],
    ["FAIRLEAD_ROUTES__B", "names a section; set an option in it, like FAIRLEAD_ROUTES__B__KIND."],
    ["FAIRLEAD___PROTO__", "sets no option. Did you mean FAIRLEAD_NODE?"],
    ["FAIRLEAD_CONSTRUCTOR", "sets no option."],
  ])("it is %s", (name, text) => {
    expect(read({ [name]: "hunter2" })).toEqual({ set: [], told: [`env ${name}: ${text}`] });
  });

  test("another sets the same option", () => {
    const { told } = read({ FAIRLEAD_LISTEN__PORT: "1", FAIRLEAD_LISTEN__port: "2" });
    expect(told).toEqual([
      "env FAIRLEAD_LISTEN__port: sets the same option as FAIRLEAD_LISTEN__PORT; keep one of the two.",
    ]);
  });
});

describe("a variable with _FILE", () => {
  test("sets what its file holds, without the line end, and marks it as secret", () => {
    const file = join(folder({ secret: "db:5432\n" }), "secret");
    const { settings } = readEnvironment({ FAIRLEAD_ROUTES__B__TARGET_FILE: file }, { routes });
    expect(settings).toEqual([
      {
        path: ["routes", "/b", "target"],
        value: "db:5432",
        origin: { from: "env", name: "FAIRLEAD_ROUTES__B__TARGET_FILE", secret: true },
      },
    ]);
  });

  test("is told what is wrong with its file", () => {
    const root = folder({ big: "x".repeat(65_537) });
    const told = (file: string) => read({ FAIRLEAD_LISTEN__HOST_FILE: file }).told[0];
    expect(told(join(root, "none"))).toContain("names a file that cannot be read (ENOENT). Check the path");
    expect(told(root)).toContain("names something that is not a file");
    expect(told(join(root, "big"))).toContain("names a file over 65536 bytes");
  });
});

test("names the variable of a path", () => {
  expect(variableOf(["listen", "port"])).toBe("FAIRLEAD_LISTEN__PORT");
  expect(variableOf(["routes", "/feed/:topic", "maxMessage"])).toBe(
    "FAIRLEAD_ROUTES__FEED_TOPIC__MAX_MESSAGE",
  );
});
