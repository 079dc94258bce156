import { describe, expect, onTestFinished, test } from "bun:test";
import { folder } from "../../folder.ts";
import { startGateway } from "../../gateway.ts";
import { start } from "../../system/program.ts";
import { main, run } from "../fairlead.ts";

const echo = () => startGateway({ "/echo": { kind: "echo", welcome: false } });

/** The client as a process of its own, on pipes. */
function connect(...args: string[]) {
  const child = Bun.spawn([process.execPath, main, "connect", ...args], {
    cwd: folder(),
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 10_000,
    killSignal: "SIGKILL",
  });
  onTestFinished(() => child.kill("SIGKILL"));
  return child;
}

const inTerminal = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  start([process.execPath, main, "connect", ...args], { cwd: folder(), env, terminal: true });

describe("on pipes", () => {
  test("lines go out and come back, and nothing but them is on stdout or stderr", async () => {
    await using gateway = await echo();
    const child = connect(gateway.ws("/echo"), "-w", "0.1");
    child.stdin.write("one\n\u001b[2J\n");
    child.stdin.end();
    expect(await child.stdout.text()).toBe("one\n\u001b[2J\n");
    expect(await child.stderr.text()).toBe("");
    expect(await child.exited).toBe(0);
  });

  test("a conversation takes turns", async () => {
    await using gateway = await echo();
    const child = connect(gateway.ws("/echo"));
    const reader = child.stdout.getReader();
    for (const line of ["first\n", "second\n"]) {
      child.stdin.write(line);
      child.stdin.flush();
      expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe(line);
    }
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
  });

  test("16 MiB go through a pipe whose reader is slow to come", async () => {
    await using gateway = await echo();
    const child = connect(gateway.ws("/echo"), "-b", "-w", "0.5");
    const sent = Buffer.alloc(16 * 1024 * 1024, "0123456789");
    child.stdin.write(sent);
    const ended = child.stdin.end();
    expect(Bun.hash(await child.stdout.bytes())).toBe(Bun.hash(sent));
    await ended;
    expect(await child.exited).toBe(0);
  });

  test("it ends in order when whoever read stdout has gone", async () => {
    await using gateway = await startGateway({
      "/feed": { kind: "feed", source: "stocks", interval: "10ms" },
    });
    const child = connect(gateway.ws("/feed"), "--no-close");
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    expect(await child.exited).toBe(0);
    expect(await child.stderr.text()).toBe("");
  });

  test("a second signal changes nothing, SIGTERM ends with 143", async () => {
    await using gateway = await echo();
    const child = connect(gateway.ws("/echo"), "-x", "up", "--no-close");
    await child.stdout.getReader().read();
    child.kill("SIGTERM");
    child.kill("SIGTERM");
    expect(await child.exited).toBe(143);
  });
});

describe("on a terminal", () => {
  test("someone types, hears with every control character written out, and leaves with Ctrl-D", async () => {
    await using gateway = await startGateway({
      "/echo": { kind: "echo", welcome: "\u001b[2Jhi\u009b\u202e" },
    });
    const client = inTerminal([gateway.ws("/echo")], { NO_COLOR: "1" });
    await client.says(/connected to ws:\S+; Ctrl-C ends/);
    await client.says(/^\\u001b\[2Jhi\\u009b\\u202e\r$/m);
    client.type("hello\n");
    await client.says(/hello\r\nhello\r\n/); // what the terminal echoes, then what the server does
    client.type("\x04");
    expect(await client.ended()).toBe(0);
    expect(client.output()).toContain("closed: 1000 normal");
    expect(client.output()).not.toContain("\u001b[3"); // NO_COLOR
  });

  test("what comes has a colour, and Ctrl-C ends with 130", async () => {
    await using gateway = await startGateway({ "/echo": { kind: "echo", welcome: "hi" } });
    const client = inTerminal([gateway.ws("/echo")], { NO_COLOR: "" });
    await client.says(/\[36mhi.\[39m\r\n/);
    client.type("\x03");
    expect(await client.ended()).toBe(130);
  });

  test("a close by the server is told with its code, name and reason, and ends it", async () => {
    await using gateway = await startGateway({ "/relay": { kind: "relay", language: "en" } });
    const client = inTerminal(["-q", gateway.ws("/relay")]);
    const hello = JSON.stringify({
      group_id: "g",
      sender_type: "center",
      receiver_type: "local",
      content: "",
    });
    client.type(`${hello}\n`);
    await client.says(/connect/i);
    await gateway.gateway.stop();
    expect(await client.ended()).toBe(1);
    expect(client.output()).toMatch(/closed by the server: 1012 service restart/);
  });
});

describe("is a usage error, with exit 2, when", () => {
  test.each([
    [[], "connect needs a URL; the form is fairlead connect URL [options]"],
    [["ftp://h"], 'the URL "ftp://h" is not ws:// or wss://'],
    [["ws://h", "-t", "-b"], "--text and --binary exclude each other; leave one out"],
    [["ws://h", "ws://i"], 'connect does not take "ws://i"; the form is fairlead connect URL [options]'],
  ])("%j", (args, line) => {
    expect(run(["connect", ...args])).toEqual({ code: 2, out: "", talk: `fairlead: ${line}\n` });
  });
});

test("warns that -k checks no certificate, also under -q", () => {
  const { code, talk } = run(["connect", "-kq", "wss://127.0.0.1:1/"]);
  expect([code, talk.split("\n")[0]]).toEqual([
    1,
    "fairlead: warning: the certificate of 127.0.0.1:1 is not checked",
  ]);
});
