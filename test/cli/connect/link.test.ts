import { expect, test } from "bun:test";
import type { ServerWebSocket } from "bun";
import { openLink } from "../../../src/cli/connect/link.ts";
import { type Clock, systemClock } from "../../../src/clock.ts";
import { serving } from "./talk.ts";

const handshake = (url: string) => ({
  url,
  warnings: [],
  options: { headers: [], tls: {}, perMessageDeflate: false as const },
});
const SIZE = 32 * 1024 * 1024; // more than the kernel's buffers take

/** A link to a server that does not read yet. */
async function stalled(clock: Clock) {
  const held = Promise.withResolvers<ServerWebSocket>();
  const server = serving({
    open(socket) {
      socket.pause();
      held.resolve(socket);
    },
  });
  const link = openLink(handshake(server.url), [], clock, () => {});
  await link.opened;
  return { link, socket: await held.promise, [Symbol.dispose]: server[Symbol.dispose] };
}

test("a send waits for the server, and what it took is flushed", async () => {
  using server = await stalled(systemClock);
  let isSent = false;
  const sent = server.link.send(new Uint8Array(SIZE)).then(() => {
    isSent = true;
  });
  const flushed = server.link.flushed();
  await Bun.sleep(0);
  expect([isSent, server.link.isHeld()]).toEqual([false, true]);
  server.socket.resume();
  await sent;
  expect(await flushed).toBe(true);
  expect(server.link.isHeld()).toBe(false);
  server.link.close(1000, "");
  expect(await server.link.ended).toMatchObject({
    code: 1000,
    wasOpen: true,
    isOurs: true,
    failure: undefined,
  });
});

test("nothing is flushed when the server takes nothing for 10 s", async () => {
  using server = await stalled({ ...systemClock, now: () => performance.now() * 100 });
  void server.link.send(new Uint8Array(SIZE));
  expect(await server.link.flushed()).toBe(false);
});

test("a send and a flush end with the connection", async () => {
  using server = await stalled(systemClock);
  const sent = server.link.send(new Uint8Array(SIZE));
  const flushed = server.link.flushed();
  server.socket.terminate();
  await Promise.all([sent, flushed]);
  expect(await server.link.ended).toMatchObject({ code: 1006, isOurs: false });
  await server.link.send("after the end");
  server.link.ping("");
});
