import { describe, expect, test } from "bun:test";
import { PassThrough, Writable } from "node:stream";
import { type Clock, systemClock } from "../../../src/clock.ts";
import { startGateway } from "../../gateway.ts";
import { startProxy } from "../../tcp-proxy.ts";
import { run, serving, talk, typed } from "./talk.ts";

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

describe("it ends", () => {
  test("with 0 at the end of stdin, closing with the code and reason that were asked for", async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    using server = serving({ close: (_, code, reason) => resolve([code, reason]) });
    const words = ["-E", "--close-status-code", "4001", "--close-reason", "bye"];
    expect((await talk(server.url, words, { stdin: "a\n" })).code).toBe(0);
    expect(await promise).toEqual([4001, "bye"]);
  });

  test("after --wait, with what came until then", async () => {
    using server = serving({
      message(socket) {
        setTimeout(() => socket.send("late"), 30);
      },
    });
    expect((await talk(server.url, ["-w", "0.3"], { stdin: "a\n" })).out).toBe("late\n");
    expect((await talk(server.url, ["-E"], { stdin: "a\n" })).out).toBe("");
  });

  test("at once where someone typed the end", async () => {
    using server = serving({});
    expect((await talk(server.url, [], { stdin: "a\n", isInteractive: true })).code).toBe(0);
  });

  test("with the server under --no-close, however long that takes", async () => {
    using server = serving({
      message(socket) {
        setTimeout(() => socket.close(1000, "done"), 50);
      },
    });
    const { code, talk: lines } = await talk(server.url, ["--no-close", "-v"], { stdin: "a\n" });
    expect([code, lines.at(-1)]).toEqual([0, "< close 1000 normal: done"]);
  });

  test("after one message under -1, and no more is printed", async () => {
    using server = serving({
      open(socket) {
        for (const text of ["one", "two", "three"]) socket.send(text);
      },
    });
    expect(await talk(server.url, ["-1"])).toEqual({ code: 0, out: "one\n", talk: [] });
  });

  test("with 1 when that message does not come within --wait", async () => {
    using server = serving({});
    const { code, talk: lines } = await talk(server.url, ["-1", "-w", "0.05"]);
    expect([code, lines]).toEqual([1, [`fairlead: ${server.url}: no message came within 0.05 s`]]);
  });

  test.each([
    [1000, "", 0],
    [1008, "rude", 1],
    [4008, "", 1],
    [4321, "", 1],
  ])("when the server closes with %d %j: exit %d, told unless it is 0", async (code, reason, exit) => {
    using server = serving({ open: (socket) => socket.close(code, reason) });
    const ended = await talk(server.url, ["-q", "--no-close"]);
    expect(ended.code).toBe(exit);
    expect(ended.talk.join()).toContain(exit === 0 ? "" : `closed by the server: ${code}`);
  });

  test("with 1 when the connection is lost", async () => {
    using server = serving({ message: (socket) => socket.terminate() });
    const { code, talk: lines } = await talk(server.url, ["--no-close"], { stdin: "a\n" });
    expect([code, lines.length]).toEqual([1, 1]);
    expect(lines[0]).toMatch(/lost/);
  });

  test("with 1 when stdin is not UTF-8, after the lines before it", async () => {
    await using gateway = await echo();
    const input = typed("good\n", Uint8Array.of(0x61, 0xff, 0x0a));
    const { code, talk: lines } = await talk(gateway.ws("/echo"), [], { input });
    expect(code).toBe(1);
    expect(lines[0]).toEndWith(
      "line 2 of stdin is not UTF-8 from byte 6 on; --binary sends bytes as they are",
    );
  });

  test("with 1 when stdin cannot be read", async () => {
    using server = serving({});
    async function* input(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
      yield* typed("a\n");
      throw Object.assign(new Error("is a folder"), { code: "EISDIR" });
    }
    const { code, talk: lines } = await talk(server.url, [], { input: input() });
    expect([code, lines]).toEqual([1, [`fairlead: ${server.url}: stdin cannot be read (EISDIR)`]]);
  });

  test("with the signal's code, and a close for the server", async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const opened = Promise.withResolvers<number>();
    using server = serving({ close: (_, code) => resolve(code) });
    const input = new PassThrough(); // nobody ever ends it
    const say = (line: string) => line.startsWith("= connected") && opened.resolve(130);
    const { code } = await talk(server.url, ["-v"], { input, talk: say, interrupted: opened.promise });
    expect(code).toBe(130);
    expect(await promise).toBe(1000);
  });

  test("with the signal's code while the handshake is not answered", async () => {
    const hung = Promise.withResolvers<Response>();
    const asked = Promise.withResolvers<number>();
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch() {
        asked.resolve(143);
        return hung.promise;
      },
    });
    const { code, talk: lines } = await talk(`ws://127.0.0.1:${server.port}/`, [], {
      interrupted: asked.promise,
    });
    expect([code, lines]).toEqual([143, []]);
    hung.resolve(new Response());
  });

  test("in order when whoever read stdout has gone", async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    using server = serving({ open: (socket) => void socket.send("a"), close: (_, code) => resolve(code) });
    const output = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
    expect(await run(server.url, ["--no-close"], { input: typed(), output })).toBe(0);
    expect(await promise).toBe(1000);
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
    const words = ["--ping-interval", "0.02", "--ping-timeout", "0.05", "--no-close", "-v"];
    const lines: string[] = [];
    const say = (line: string) => {
      lines.push(line);
      if (line.startsWith("= connected")) proxy.goSilent();
    };
    const clock: Clock = { ...systemClock, after: (ms, go) => systemClock.after(Math.min(ms, 100), go) }; // the close handshake's 5 s
    const { code } = await talk(`ws://${proxy.host}/echo`, words, { talk: say, clock });
    expect([code, lines.at(-1)]).toEqual([1, `fairlead: ws://${proxy.host}/echo: no pong within 0.05 s`]);
  });
});
