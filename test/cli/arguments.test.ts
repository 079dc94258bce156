import { describe, expect, test } from "bun:test";
import { readArguments } from "../../src/cli/arguments.ts";
import type { Command } from "../../src/cli/command.ts";
import { command as bridge } from "../../src/cli/commands/bridge.ts";
import { command as config } from "../../src/cli/commands/config.ts";
import { command as connect } from "../../src/cli/commands/connect.ts";
import { command as echo } from "../../src/cli/commands/echo.ts";
import { command as feed } from "../../src/cli/commands/feed.ts";
import { command as relay } from "../../src/cli/commands/relay.ts";
import { command as room } from "../../src/cli/commands/room.ts";
import { command as serve } from "../../src/cli/commands/serve.ts";
import { clientFlag } from "../../src/cli/flags.ts";
import { commandHelp } from "../../src/cli/help.ts";
import type { Setting } from "../../src/config/layers.ts";

const verbs = { serve, echo, room, feed, relay, bridge, connect, config };
const commands: readonly Command[] = Object.values(verbs);

const shown = ({ path, value }: Setting) => `${path.join(" ")} = ${JSON.stringify(value)}`;

/** What the words set, the last of two for one option only. */
function set(command: Command, ...words: string[]): string[] {
  const { settings } = readArguments(command, words);
  return [...new Map(settings.map((setting) => [setting.path.join(), shown(setting)])).values()];
}

describe("a flag sets", () => {
  test.each<[keyof typeof verbs, string, string]>([
    ["serve", "--port 9000", "listen port = 9000"],
    ["serve", "--port=9000", "listen port = 9000"],
    ["serve", "--host ::1", 'listen host = "::1"'],
    ["serve", "--log-level debug", 'log level = "debug"'],
    ["serve", "--log-format json", 'log format = "json"'],
    ["serve", "--drain-window 3s", 'drain window = "3s"'],
    ["serve", "--connections 100", "limits connections = 100"],
    ["echo", "--welcome hi", 'routes /* welcome = "hi"'],
    ["echo", "--welcome=", 'routes /* welcome = ""'],
    ["echo", "--no-welcome", "routes /* welcome = false"],
    ["echo", "--welcome hi --no-welcome", "routes /* welcome = false"],
    ["echo", "--no-welcome --welcome hi", 'routes /* welcome = "hi"'],
    ["echo", "--max-message 64KiB", 'routes /* maxMessage = "64KiB"'],
    ["echo", "--slow-policy close", 'routes /* slow policy = "close"'],
    ["echo", "--slow-high-water 1MiB", 'routes /* slow highWater = "1MiB"'],
    ["echo", "--heartbeat-ping 0", "routes /* heartbeat ping = 0"],
    ["room", "--binary", "routes /ws binary = true"],
    ["room", "--no-binary", "routes /ws binary = false"],
    ["room", "--no-echo", "routes /ws echo = false"],
    ["room", "--history-size 5", "routes /ws history size = 5"],
    ["feed", "--interval 100ms", 'routes /* interval = "100ms"'],
    ["feed", "--publish", "routes /* publish = true"],
    ["feed", "--key-field symbol", 'routes /* keyField = "symbol"'],
    ["feed", "--topic news", 'routes /* topic = "news"'],
    ["feed", "--no-source", "routes /* source = undefined"],
    ["relay", "--language en", 'routes /* language = "en"'],
    ["relay", "--timeout 2m", 'routes /* timeout = "2m"'],
    ["relay", "--confirm always", 'routes /* confirm = "always"'],
    ["relay", "--no-confirm", "routes /* confirm = false"],
  ])("of %s: %s is %s", (verb, words, setting) => {
    expect(set(verbs[verb], ...words.split(" "))).toEqual([setting]);
  });

  test.each([
    ["--text", 'framing = "text"'],
    ["--lines", 'framing = "lines"'],
    ["--framing lines", 'framing = "lines"'],
    ["--target db:5432", 'target = "db:5432"'],
    ["--dial-timeout 1s", 'dialTimeout = "1s"'],
    ["--half-close-timeout 2s", 'halfCloseTimeout = "2s"'],
    ["--subprotocol mqtt --subprotocol a,b", 'subprotocols = ["mqtt","a,b"]'],
  ])("an option on all paths of the bridge: %s", (words, setting) => {
    const paths = ["/", "/ws", "/ws/", "/websockify"];
    expect(set(bridge, ...words.split(" "))).toEqual(paths.map((path) => `routes ${path} ${setting}`));
  });
});

describe("is a usage error when", () => {
  test.each<[string, keyof typeof verbs, string[], string]>([
    [
      "a flag is unknown and near another",
      "serve",
      ["--prot", "1"],
      "unknown flag --prot of serve. Did you mean --port? See fairlead serve --help",
    ],
    ["a flag is near none", "serve", ["--xyzzy"], "unknown flag --xyzzy of serve. See fairlead serve --help"],
    ["a short flag is unknown", "serve", ["-x"], "unknown flag -x of serve."],
    ["a flag of another verb is used", "echo", ["--language", "en"], "unknown flag --language of echo."],
    ["a value is missing", "serve", ["--port"], "--port needs a value; write --port NUMBER"],
    [
      "a flag stands where the value of a short one should",
      "serve",
      ["-c", "-h"],
      '-c needs a value, and "-h" looks like a flag; write --config=-h if it is one',
    ],
    [
      "a flag stands where a value should",
      "serve",
      ["--port", "--host"],
      '--port needs a value, and "--host" looks like a flag; write --port=--host if it is one',
    ],
    ["a switch has a value", "room", ["--binary=yes"], '--binary takes no value, got "yes"'],
    [
      "there is an operand too many",
      "echo",
      ["1", "2"],
      'echo does not take "2"; the form is fairlead echo [listen] [options]',
    ],
    ["a flag would clean the terminal", "serve", ["--\u001b[2J"], "unknown flag --\\u001b[2J of serve."],
  ])("%s", (_, verb, words, text) => {
    expect(() => readArguments(verbs[verb], words)).toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringContaining(text) }),
    );
  });
});

test("takes words after -- as operands", () => {
  expect(readArguments(bridge, ["--", ":1", "a:2"]).operands).toEqual([":1", "a:2"]);
});

test("keeps every text of a flag that is repeated, in order", () => {
  const flags = [clientFlag({ name: "header", short: "H", placeholder: "H", help: "" })];
  const { given, settings, texts } = readArguments({ ...echo, flags }, ["-H", "a", "--header=-b", "-Hc"]);
  expect(texts.get("header")).toEqual(["a", "-b", "c"]);
  expect([given.get("header"), settings]).toEqual(["c", []]);
});

describe.each(commands.map(({ name }) => name))("the help of %s", (name) => {
  const command = commands.find((each) => each.name === name) ?? serve;
  const help = commandHelp(command);

  test("lists every flag that says something, once", () => {
    const listed = command.flags.filter(({ group }) => group !== undefined);
    for (const flag of listed) {
      expect(help.match(new RegExp(`^ +(-\\w, )?--${flag.name}( |$)`, "gm"))).toHaveLength(1);
    }
  });

  test("has examples that its own flags understand", () => {
    expect(command.examples.length).toBeGreaterThan(0);
    for (const [line] of command.examples) {
      const [, ...words] = line.replace(/ >.*/, "").split(" ");
      const verb = words[0] === command.name ? words.slice(1) : words;
      expect(() => readArguments(command, verb)).not.toThrow();
    }
  });

  test("fits a terminal", () => {
    const widest = Math.max(...help.split("\n").map(({ length }) => length));
    expect(widest).toBeLessThanOrEqual(110);
  });
});
