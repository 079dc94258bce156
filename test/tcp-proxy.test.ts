import { expect, onTestFinished, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { eventually } from "./calm.ts";
import { startProxy } from "./tcp-proxy.ts";

/** A server that says back what it hears, behind a proxy. */
async function house() {
  const server = createServer((socket) => socket.pipe(socket).on("error", () => {}));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  const proxy = await startProxy(port);
  onTestFinished(() => {
    proxy[Symbol.dispose]();
    server.close();
  });
  return proxy;
}

function client(host: string): { readonly socket: Socket; heard: string; isOver: boolean } {
  const socket = connect({ host: "127.0.0.1", port: Number(host.split(":")[1]), noDelay: true });
  const made = { socket, heard: "", isOver: false };
  onTestFinished(() => void socket.destroy());
  socket.on("data", (bytes) => {
    made.heard += bytes;
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    made.isOver = true;
  });
  return made;
}

test("bytes come late and in their order, if delays differ", async () => {
  const proxy = await house();
  const delays = [30, 1, 20, 0];
  proxy.delay = () => delays.shift() ?? 0;
  const one = client(proxy.host);
  const began = performance.now();
  for (const letter of "abc") {
    one.socket.write(letter);
    await new Promise((done) => setImmediate(done));
  }
  await eventually("all of it", () => one.heard === "abc");
  expect(performance.now() - began).toBeGreaterThan(29);
  proxy.delay = undefined;
  one.socket.write("d");
  await eventually("the rest", () => one.heard === "abcd");
});

test("who comes is reset while it is shut, who is there stays", async () => {
  const proxy = await house();
  const early = client(proxy.host);
  early.socket.write("a");
  await eventually("its echo", () => early.heard === "a");
  proxy.isShut = true;
  const late = client(proxy.host);
  await eventually("its end", () => late.isOver);
  early.socket.write("b");
  await eventually("an echo", () => early.heard === "ab");
  proxy.isShut = false;
  const later = client(proxy.host);
  later.socket.write("c");
  await eventually("another echo", () => later.heard === "c");
});
