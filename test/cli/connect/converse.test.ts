import { describe, expect, test } from "bun:test";
import { Writable } from "node:stream";
import { systemClock } from "../../../src/clock.ts";
import { startGateway } from "../../gateway.ts";
import { startProxy } from "../../tcp-proxy.ts";
import { fast, run, serving, talk, typed } from "./talk.ts";

const echo = () => startGateway({ "/echo": { kind: "echo", welcome: false }, "/room": { kind: "room" } });

/** A stdout that keeps what it gets. */
function kept() {
  const chunks: Buffer[] = [];
  const output = new Writable({
    write(chunk: Buffer, _, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { output, bytes: () => Buffer.concat(chunks) };
}

describe("lines of stdin are messages, and what comes is lines of stdout:", () => {
  test("an echo", async () => {
    await using gateway = await echo();
    const stdin = "one\n\n\u20ac\nlast";
    const { code, out, talk: lines } = await talk(gateway.ws("/echo"), ["-w", "0.05"], { stdin });
    expect([code, out, lines]).toEqual([0, "one\n\n\u20ac\nlast\n", []]);
  });

  test("a megabyte in one", async () => {
    await using gateway = await echo();
    const stdin = "x".repeat(1024 * 1024);
    const { code, out } = await talk(gateway.ws("/echo"), ["-1"], { stdin });
    expect([code, out.length]).toEqual([0, stdin.length + 1]);
  });

  test("bytes as they are, under --binary", async () => {
    await using gateway = await echo();
    const { output, bytes } = kept();
    const input = typed(Uint8Array.of(0, 0xff, 0x0a), Uint8Array.of(0x80));
    expect(await run(gateway.ws("/echo"), ["-b", "-w", "0.05"], { input, output })).toBe(0);
    expect(bytes()).toEqual(Buffer.of(0, 0xff, 0x0a, 0x80));
  });

  test("everybody in a room", async () => {
    await using gateway = await startGateway({ "/room": { kind: "room" } });
    const { output, bytes } = kept();
    const opened = Promise.withResolvers<void>();
    const say = (line: string) => line.startsWith("= connected") && opened.resolve();
    const listening = run(gateway.ws("/room"), ["-1", "-v"], { input: typed(), output, talk: say });
    await opened.promise;
    await talk(gateway.ws("/room"), ["-x", "hello", "-E"]);
    expect(await listening).toBe(0);
    expect(bytes().toString()).toBe("hello\n");
  });
});

describe("-x", () => {
  test("sends in place of stdin", async () => {
    await using gateway = await echo();
    const { code, out } = await talk(gateway.ws("/echo"), ["-x", "a", "-x", "", "-w", "0.05"], {
      stdin: "not read\n",
    });
    expect([code, out]).toEqual([0, "a\n\n"]);
  });

  test("sends before stdin with --no-close", async () => {
    const heard: unknown[] = [];
    using server = serving({
      message(socket, data) {
        heard.push(data);
        if (data === "end") socket.close(1000);
      },
    });
    expect((await talk(server.url, ["-x", "hello", "--no-close"], { stdin: "more\nend\n" })).code).toBe(0);
    expect(heard).toEqual(["hello", "more", "end"]);
  });

  test("sends binary under --binary", async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    using server = serving({ message: (_, data) => resolve(data) });
    await talk(server.url, ["-b", "-x", "a", "-E"]);
    expect(await promise).toEqual(Buffer.from("a"));
  });
});

describe("control frames", () => {
  test("are sent by hand under --slash, and shown by -P", async () => {
    const closes: unknown[] = [];
    using server = serving({
      message(socket, data) {
        socket.ping("hi");
        socket.send(data);
      },
      close: (_, code, reason) => void closes.push([code, reason]),
    });
    const stdin = "/ping me\n/pong back\n/nope\n//text\n";
    const { code, out, talk: lines } = await talk(server.url, ["--slash", "-P", "-w", "0.05"], { stdin });
    expect([code, out]).toEqual([0, "/text\n"]);
    expect(lines.toSorted()).toEqual([
      "< ping hi",
      "< pong me",
      "> ping me",
      "> pong back",
      expect.stringContaining("/nope is no command"),
    ]);
    expect((await talk(server.url, ["--slash"], { stdin: "/close 4001 enough\n" })).code).toBe(0);
    expect(closes).toEqual([
      [1000, ""],
      [4001, "enough"],
    ]);
  });

  test("are text without --slash", async () => {
    await using gateway = await echo();
    expect((await talk(gateway.ws("/echo"), ["-1"], { stdin: "/ping\n" })).out).toBe("/ping\n");
  });

  test("tell round trips, also in JSON", async () => {
    await using gateway = await echo();
    const words = ["--print-ping-rtts", "--ping-interval", "0.02", "--json", "-w", "0.3"];
    const { out, talk: lines } = await talk(gateway.ws("/echo"), words);
    expect(lines[0]).toMatch(/^rtt \d+\.\d\d ms$/);
    const pongs = out.split("\n").filter((line) => line.includes('"pong"'));
    expect(JSON.parse(pongs[0] ?? "")).toMatchObject({ direction: "in", rtt: expect.any(Number) });
  });

  test("end it with 1 when no pong comes in time", async () => {
    await using gateway = await echo();
    using proxy = await startProxy(gateway.gateway.address.port);
    const words = ["--ping-interval", "0.02", "--ping-timeout", "2", "--no-close", "-v"];
    const lines: string[] = [];
    const say = (line: string) => {
      lines.push(line);
      if (line.startsWith("= connected")) proxy.goSilent();
    };
    const clock = { ...systemClock, after: fast(50).after }; // the close handshake has 5 s
    const { code } = await talk(`ws://${proxy.host}/echo`, words, { talk: say, clock });
    expect([code, lines.at(-1)]).toEqual([1, `fairlead: ws://${proxy.host}/echo: no pong within 2 s`]);
  });
});
