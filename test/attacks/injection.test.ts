/**
 * Text that is more than it seems: line feeds in what becomes a head (CVE-2026-1527), and marks that steer a terminal or begin a line
 * in what becomes a log.
 */
import { describe, expect, test } from "bun:test";
import { connect, ReconnectingSocket } from "../../src/client/index.ts";
import { createGateway } from "../../src/gateway.ts";
import { eventually } from "../calm.ts";
import { run, serve } from "../cli/fairlead.ts";
import { ask, closePayload, frame, OPCODE, upgrade } from "../raw-client.ts";
import { startService } from "../tcp-service.ts";

const BREAKS = ["\r\nEvil: 1", "\nEvil: 1", "\rEvil: 1", "\u0000Evil: 1"] as const;

/** The heads that a server got while `run` ran, until there is one. */
async function headOf(run: (url: string) => void): Promise<string> {
  using server = await startService();
  run(`ws://${server.target}/`);
  const peer = await server.next();
  await eventually("a head", () => peer.text().includes("\r\n\r\n"));
  return peer.text();
}

describe("a line feed or NUL", () => {
  test.each(BREAKS)("in the library's URL begins no header: %j", async (evil) => {
    let socket: ReconnectingSocket | undefined;
    const head = await headOf((url) => {
      socket = new ReconnectingSocket(`${url}a${evil}`);
    });
    socket?.close();
    expect(head.split("\r\n").slice(1).join("\n")).not.toContain("Evil");
    expect(head).not.toContain("\u0000");
  });

  test.each(BREAKS)("in the library's subprotocol is refused before anything is sent: %j", (evil) => {
    expect(() => new ReconnectingSocket("ws://127.0.0.1:9/", `a${evil}`)).toThrow();
  });

  test.each(BREAKS)("in the library's token begins no header: %j", async (evil) => {
    let session: ReturnType<typeof connect> | undefined;
    const head = await headOf((url) => {
      session = connect(url, { token: `a${evil}` });
    });
    session?.close();
    expect(head).not.toContain("Evil");
  });

  test.each([
    ["a header", (evil: string) => ["-H", `X: a${evil}`]],
    ["a header's name", (evil: string) => ["-H", `X${evil}: a`]],
    ["a subprotocol", (evil: string) => ["-s", `a${evil}`]],
    ["an origin", (evil: string) => ["-o", `https://a.example${evil}`]],
  ])("in %s of the command line is a usage error", (_, flags) => {
    for (const evil of BREAKS.filter((each) => !each.includes("\u0000"))) {
      const { code, talk } = run(["connect", ...flags(evil), "ws://127.0.0.1:9/"]);
      expect([code, talk]).toEqual([2, expect.stringContaining("fairlead: ")]);
    }
  });

  test.each([
    ["a bridge's target", (evil: string) => ({ target: `db.example${evil}:1` })],
    [
      "the address of a bridge's target by name",
      (evil: string) => ({ targets: { a: `db.example${evil}:1` } }),
    ],
    ["a bridge's subprotocol", (evil: string) => ({ target: "a:1", subprotocols: [`a${evil}`] })],
    ["a rule of allow", (evil: string) => ({ allow: [`db.example${evil}:1`] })],
  ])("in %s is an error of the config", (_, options) => {
    for (const evil of BREAKS) {
      const route = { kind: "bridge", ...options(evil) } as const;
      expect(() => createGateway({ routes: { "/a": route } })).toThrow("routes");
    }
  });

  test("in the name of a bridge's target reaches nothing that a client can spell", () => {
    for (const evil of BREAKS) {
      const routes = { "/a/:name": { kind: "bridge", targets: { [`a${evil}`]: "127.0.0.1:1" } } } as const;
      expect(() => createGateway({ routes })).toThrow("routes");
    }
  });
});

/** Everything below a blank but the line feed, DEL, C1, and the marks that turn the direction of text. */
const STEERS = /[^\P{Cc}\n]|\p{Bidi_Control}/u;
const EVIL = "\u001b[31m\u0007\u009b\u202e\u2066";

test("a log is one JSON object a line, with nothing that steers a terminal, whatever names, reasons and headers say", async () => {
  const { program, host } = await serve([
    "echo",
    "--port",
    "0",
    "--log-format",
    "json",
    "--log-level",
    "debug",
  ]);
  const path = `/${encodeURIComponent(`a${EVIL}b`)}`;
  const evil = Buffer.from(EVIL)
    .toString("latin1")
    .replace(/[^\x80-\xff]/g, "");
  const headers = { "User-Agent": evil, "X-Forwarded-For": evil };
  await ask(host, { path, headers: { ...headers, Upgrade: null } });
  using client = await upgrade(host, { path, headers });
  client.write(frame(`hello${EVIL}\n{"level":"info"}`));
  client.write(frame(closePayload(1000, `bye${EVIL}\n{"level":"error"}`), { opcode: OPCODE.close }));
  await client.ending();
  await program.says(/"goodbye"/);
  const lines = program
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{"));
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) {
    expect(line).not.toMatch(STEERS);
    expect(Object.keys(JSON.parse(line))).toContain("level");
  }
  expect(lines.filter((line) => JSON.parse(line).level === "error")).toEqual([]);
});
