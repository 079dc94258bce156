import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { PassThrough, Writable } from "node:stream";
import type { ServerWebSocket } from "bun";
import { type Clock, systemClock } from "../../../src/clock.ts";
import { run, serving, typed } from "./talk.ts";

describe("neither end runs ahead of the other:", () => {
  const CHUNK = Buffer.alloc(64 * 1024, "0123456789abcde");
  const TOTAL = 32 * 1024 * 1024;
  const hashOf = (bytes: number) => {
    const hash = createHash("sha256");
    for (let at = 0; at < bytes; at += CHUNK.length) hash.update(CHUNK);
    return hash.digest("hex");
  };

  test("stdin is read no faster than the server takes it, and all of it arrives", async () => {
    const held = Promise.withResolvers<ServerWebSocket>();
    const hash = createHash("sha256");
    let received = 0;
    using server = serving({
      open(socket) {
        socket.pause();
        held.resolve(socket);
      },
      message(_, data) {
        received += data.length;
        hash.update(data);
      },
    });
    let lead = 0;
    async function* input() {
      for (let pulled = 0; pulled < TOTAL; pulled += CHUNK.length) {
        lead = Math.max(lead, pulled - received);
        if (pulled === 1024 * 1024) (await held.promise).resume();
        yield CHUNK;
      }
    }
    const output = new PassThrough();
    expect(await run(server.url, ["-b", "-w", "0.1"], { input: input(), output })).toBe(0);
    expect(hash.digest("hex")).toBe(hashOf(TOTAL));
    expect(lead).toBeGreaterThan(1024 * 1024);
    expect(lead).toBeLessThan(16 * 1024 * 1024); // the mark, and the buffers of both kernels' sockets
  });

  test("the server is read no faster than stdout takes it, and all of it is printed", async () => {
    using server = serving({
      open(socket) {
        for (let bytes = 0; bytes < TOTAL; bytes += CHUNK.length) socket.send(CHUNK);
        socket.close(1000);
      },
    });
    const hash = createHash("sha256");
    let waiting = 0;
    const output = new Writable({
      write(chunk: Buffer, _, done) {
        hash.update(chunk);
        waiting = Math.max(waiting, output.writableLength);
        setTimeout(done, 0);
      },
    });
    expect(await run(server.url, ["-b", "--no-close"], { input: typed(), output })).toBe(0);
    expect(hash.digest("hex")).toBe(hashOf(TOTAL));
    expect(waiting).toBeLessThan(4 * 1024 * 1024);
  });

  /** A server that says more than a stdout takes which takes nothing, until the test calls `flow`. */
  function stalled(close?: (code: number) => void) {
    const server = serving({
      open(socket) {
        for (let bytes = 0; bytes < TOTAL; bytes += CHUNK.length) socket.send(CHUNK);
      },
      ...(close && { close: (_, code) => close(code) }),
    });
    const full = Promise.withResolvers<void>();
    let flow = () => {};
    let isFlowing = false;
    const output = new Writable({
      write(_chunk, _encoding, done) {
        if (isFlowing) return done();
        flow = () => {
          isFlowing = true;
          done();
        };
        full.resolve();
      },
    });
    return { ...server, output, full: full.promise, flow: () => flow() };
  }

  test("no pong is missed while stdout takes nothing, because none is read", async () => {
    using server = stalled();
    const words = ["-b", "--ping-interval", "0.01", "--ping-timeout", "0.2", "-w", "0.5"];
    const ended = run(server.url, words, { input: typed("a"), output: server.output });
    await server.full;
    setTimeout(server.flow, 700); // several timeouts of a ping, each long enough for a machine that has other work
    expect(await ended).toBe(0);
  });

  test("a signal ends it in order while stdout takes nothing", async () => {
    const code = Promise.withResolvers<number>();
    using server = stalled(code.resolve);
    const after: Clock["after"] = (ms, go) => systemClock.after(ms === 1_000 ? 2 ** 30 : ms, go);
    const clock: Clock = { ...systemClock, after }; // so that the farewell's second is no way out
    const interrupted = server.full.then(() => 130);
    const input = new PassThrough();
    const ended = run(server.url, ["-b"], { input, output: server.output, interrupted, clock });
    expect(await ended).toBe(130);
    expect(await code.promise).toBe(1000);
  });
});
