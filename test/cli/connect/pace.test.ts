import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { PassThrough, Writable } from "node:stream";
import type { ServerWebSocket } from "bun";
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
});
