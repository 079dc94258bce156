import { describe, expect, test } from "bun:test";
import { readArguments } from "../../src/cli/arguments.ts";
import { command as bridge } from "../../src/cli/commands/bridge.ts";
import { command as echo } from "../../src/cli/commands/echo.ts";
import { websockifyLifetime, websockifySettings } from "../../src/cli/websockify-flags.ts";
import { requires } from "../requires.ts";

const PRESET = {
  routes: { "/": { kind: "bridge", target: "a:1" }, "/ws": { kind: "bridge", target: "a:1" } },
} as const;

/** What the words set: of routes what the first one gets, which the second must get too. */
function settingsOf(...words: string[]): string[] {
  const settings = websockifySettings(PRESET, readArguments(bridge, words));
  const shown = (prefix: string) =>
    settings
      .filter(({ path }) => path[0] === "routes" && path[1] === prefix)
      .map(({ path, value }) => `${path.slice(2).join(".")} = ${value}`);
  expect(shown("/ws")).toEqual(shown("/"));
  const others = settings.filter(({ path }) => path[0] !== "routes");
  return [...shown("/"), ...others.map(({ path, value }) => `${path.join(".")} = ${value}`)];
}

describe("a flag of websockify sets", () => {
  test.each([
    ["6080 h:1", []],
    ["6080 h:1 --cert c.pem", ["listen.tls.cert = c.pem"]],
    ["6080 h:1 --cert c.pem --key k.pem --ssl-only", ["listen.tls.cert = c.pem", "listen.tls.key = k.pem"]],
    ["--cert c --key-password p", ["listen.tls.cert = c", "listen.tls.keyPassword = p"]],
    ["--cert c --verify-client --cafile ca", ["listen.tls.cert = c", "listen.tls.clientCa = ca"]],
    ["6080 --token-plugin TokenFile --token-source t", ["target = undefined", "tokens = t"]],
    ["6080 --token-plugin=ReadOnlyTokenFile --token-source=d/", ["target = undefined", "tokens = d/"]],
    [
      "--token-plugin websockify.token_plugins.TokenFile --token-source t",
      ["target = undefined", "tokens = t"],
    ],
    ["6080 --target-config t", ["target = undefined", "tokens = t"]],
    ["6080 --tokens t", ["target = undefined"]],
    ["6080 --allow 10.0.0.0/8:22", ["target = undefined"]],
    ["6080 --unix-target /run/vnc.sock", ["target = unix:/run/vnc.sock"]],
    ["6080 h:1 --ssl-target", ["target = tls://h:1"]],
    ["--ssl-target --target h:1", ["target = tls://h:1"]],
    ["--unix-listen g.sock --unix-listen-mode 660", ["listen.unix = g.sock", "listen.unixMode = 660"]],
    ["--heartbeat 30", ["heartbeat.ping = 30000"]],
    ["--heartbeat 0", ["heartbeat.ping = 0"]],
    ["--run-once", ["limits.connections = 2"]],
    ["6080 exec:cat --run-once", ["limits.connections = 5"]],
    ["--target exec:cat --run-once", ["limits.connections = 5"]],
    ["-v", ["log.level = debug"]],
    ["--traffic", ["log.level = debug"]],
    ["--timeout 5 --idle-timeout 6", []],
  ])("%s", (words, settings) => {
    expect(settingsOf(...words.split(" "))).toEqual(settings);
  });

  test("itself down as the origin of what it sets, so that errors name it", () => {
    const settings = websockifySettings(PRESET, readArguments(bridge, ["--cert", "c", "--heartbeat", "1"]));
    expect(settings.map(({ origin }) => origin.name)).toEqual(["--cert", "--heartbeat", "--heartbeat"]);
  });
});

describe("a lifetime is set by", () => {
  test.each([
    ["", undefined],
    ["--run-once", { once: true, timeout: 0, idle: 0 }],
    ["--timeout 5", { once: false, timeout: 5_000, idle: 0 }],
    ["--idle-timeout 60 --run-once", { once: true, timeout: 0, idle: 60_000 }],
  ])("%j", (words, lifetime) => {
    const given = readArguments(bridge, words === "" ? [] : words.split(" "));
    expect(websockifyLifetime(given)).toEqual(lifetime);
  });
});

describe("is a usage error:", () => {
  test.each([
    ["--ssl-only", "--ssl-only needs --cert, the certificate to speak TLS with"],
    ["--verify-client", "--verify-client needs --cafile beside it"],
    ["--cafile ca", "--cafile needs --verify-client beside it"],
    ["--token-plugin TokenFile", "--token-plugin needs --token-source beside it"],
    ["--token-source t", "--token-source needs --token-plugin beside it"],
    [
      "--token-plugin TokenRedis --token-source t",
      '--token-plugin "TokenRedis" is Python; TokenFile and ReadOnlyTokenFile are built in',
    ],
    [
      "--token-plugin TokenFile --token-source t 6080 h:1",
      '--token-plugin says what the target is; leave "h:1" out',
    ],
    ["--unix-target s --target h:1", '--unix-target says what the target is; leave "h:1" out'],
    [
      "--unix-target s --ssl-target",
      "--unix-target and --ssl-target both say what the target is; leave one out",
    ],
    ["--ssl-target 6080", "--ssl-target needs the target's host:port"],
    ["--heartbeat often", '--heartbeat needs seconds like 2 or 0.5, or a duration like 500ms, got "often"'],
  ])("%s", (words, text) => {
    expect(() => settingsOf(...words.split(" "))).toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringContaining(text) }),
    );
  });

  test("a time that is none", () => {
    expect(() => websockifyLifetime(readArguments(bridge, ["--timeout", "x"]))).toThrow(
      "--timeout needs seconds",
    );
  });
});

describe("is refused with the name of what does it today:", () => {
  test.each([
    ["-D", "--daemon of websockify is not there; let systemd"],
    ["--daemon", "let systemd, docker or nohup keep it running"],
    ["--syslog localhost:514", "logs go to stderr: systemd or `| logger` takes them on"],
    ["--log-file /var/log/x", "write 2>> FILE"],
    ["--inetd", "let systemd start it"],
    ["--libserver", "there is one server and it serves all"],
    [
      "--wrap-mode respawn",
      "let systemd restart the program; --target exec:PROGRAM starts one for each client",
    ],
    ["--ssl-version tlsv1_1", "TLS 1.2 is the oldest that is spoken"],
    ["--auth-plugin BasicHTTPAuth", "put a proxy that authenticates in front"],
    ["--auth-source u:p", "put a proxy that authenticates in front"],
    ["--web-auth", "put a proxy that authenticates in front"],
    ["--ssl-ciphers ALL", "the ciphers are the runtime's"],
    ["--legacy-syslog", "logs go to stderr"],
    ["--file-only", "leave it out, folders are never listed"],
    ["-6", "write the address, like [::]:6080"],
    ["--host-token", "tokens come in ?token="],
  ])("%s", (words, text) => {
    expect(() => readArguments(bridge, words.split(" "))).toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringContaining(text) }),
    );
  });
});

requires("websockify")("every flag that websockify has is taken or refused by name", ({ websockify }) => {
  const help = Bun.spawnSync([websockify, "--help"], { timeout: 10_000 }).stdout.toString();
  const theirs = [...help.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map(([, name = ""]) => name);
  expect(theirs.length).toBeGreaterThan(20);
  const ours = new Set(["help", ...bridge.flags.map(({ name }) => name)]);
  expect(theirs.filter((name) => !ours.has(name))).toEqual([]);
});

test("other verbs know none of them", () => {
  expect(() => readArguments(echo, ["--cert", "c"])).toThrow("unknown flag --cert of echo");
  expect(() => readArguments(echo, ["--daemon"])).toThrow("unknown flag --daemon of echo");
});
