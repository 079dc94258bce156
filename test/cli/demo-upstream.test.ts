import { expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { startDemoUpstream } from "../../src/cli/demo-upstream.ts";

function dial(target: string): Promise<Socket> {
  const [host, port] = target.split(":");
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), allowHalfOpen: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}

/** Everything until the other side ends; after each read, `turns` of the event loop belong to everybody else. */
async function readAll(socket: Socket, turns = 0): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of socket) {
    parts.push(part);
    for (let turn = 0; turn < turns; turn += 1) await new Promise((done) => setImmediate(done));
  }
  return Buffer.concat(parts);
}

test("sends back in upper case what it is sent, byte for byte, and ends when its client does", async () => {
  const upstream = startDemoUpstream();
  const socket = await dial(upstream.target);
  socket.end(Buffer.from([0x00, 0x61, 0x7a, 0x60, 0x7b, 0xff, 0x41]));
  expect(await readAll(socket)).toEqual(Buffer.from([0x00, 0x41, 0x5a, 0x60, 0x7b, 0xff, 0x41]));
  upstream.stop();
});

test("loses nothing to a client that reads slower than it sends", async () => {
  const upstream = startDemoUpstream();
  const socket = await dial(upstream.target);
  const sent = Buffer.alloc(16 * 1024 * 1024, "abc");
  socket.end(sent);
  const answer = await readAll(socket, 5);
  expect(answer.length).toBe(sent.length);
  expect(answer.equals(Buffer.alloc(sent.length, "ABC"))).toBe(true);
  upstream.stop();
});

test("holds 64 clients, and drops the next", async () => {
  const upstream = startDemoUpstream();
  const clients = await Promise.all(Array.from({ length: 64 }, () => dial(upstream.target)));
  const late = await dial(upstream.target);
  await new Promise((closed) => late.once("error", () => undefined).once("close", closed));
  const [first] = clients;
  first?.end("still here");
  expect(first && (await readAll(first)).toString()).toBe("STILL HERE");
  for (const client of clients) client.destroy();
  upstream.stop();
});
