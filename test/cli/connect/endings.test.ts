import { describe, expect, test } from "bun:test";
import { PassThrough, Writable } from "node:stream";
import { startGateway } from "../../gateway.ts";
import { bounded } from "../../raw-client.ts";
import { fast, run, serving, talk, typed } from "./talk.ts";

const echo = () => startGateway({ "/echo": { kind: "echo", welcome: false } });

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

  test("after one message under -1, with one line of stdin at most", async () => {
    const heard: unknown[] = [];
    using server = serving({
      message(socket, data) {
        heard.push(data);
        setTimeout(() => socket.send("that will do"), 20);
      },
    });
    expect((await talk(server.url, ["-1"], { stdin: "one\ntwo\n" })).out).toBe("that will do\n");
    expect(heard).toEqual(["one"]);
  });

  test("with the reading of stdin when the server has closed", async () => {
    using server = serving({ message: (socket) => socket.close(1000) });
    const read = Promise.withResolvers<void>();
    async function* input() {
      try {
        for (;;) {
          yield* typed("again\n");
          await new Promise((done) => setImmediate(done));
        }
      } finally {
        read.resolve();
      }
    }
    expect((await talk(server.url, [], { input: input() })).code).toBe(0);
    await bounded("the end of reading", read.promise);
  });

  test("later than what was typed where -x says what is sent", async () => {
    using server = serving({
      message(socket) {
        setTimeout(() => socket.send("late"), 20);
      },
    });
    expect((await talk(server.url, ["-x", "a"], { isInteractive: true, clock: fast(20) })).out).toBe(
      "late\n",
    );
  });

  test("with 1 when the handshake is never answered", async () => {
    const hung = Promise.withResolvers<Response>();
    using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => hung.promise });
    const url = `ws://127.0.0.1:${server.port}/`;
    const { code, talk: lines } = await talk(url, [], { clock: fast(300) });
    expect([code, lines]).toEqual([1, [`fairlead: ${url}: no answer to the handshake within 30 s`]]);
    hung.resolve(new Response());
  });

  test("with 1 when that message does not come within --wait", async () => {
    using server = serving({});
    const { code, talk: lines } = await talk(server.url, ["-1", "-w", "0.05"]);
    expect([code, lines]).toEqual([1, [`fairlead: ${server.url}: no message came within 0.05 s`]]);
  });

  test.each([
    [1000, "", 0],
    [1005, "", 0],
    [1008, "rude", 1],
    [4008, "", 1],
    [4321, "", 1],
  ])("when the server closes with %d %j: exit %d, told unless it is 0", async (code, reason, exit) => {
    using server = serving({ open: (socket) => socket.close(code, reason) }); // the runtime sends 1005 as a close without a code
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
