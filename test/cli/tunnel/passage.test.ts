import { expect, test } from "bun:test";
import { createPassages, type Detail } from "../../../src/cli/tunnel/passage.ts";
import { connectFrame, reconnectFrame } from "../../../src/wire/bridge-frames.ts";
import { eventually } from "../../calm.ts";
import { closedTarget } from "../../tcp-service.ts";

/** A gateway that begins a stream on the first connection, carries it on on later ones, and says what a test wants. */
function gateway(begin?: (socket: Bun.ServerWebSocket, nth: number) => void) {
  const sockets: Bun.ServerWebSocket[] = [];
  const headers: Headers[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request, self) {
      headers.push(request.headers);
      if (new URL(request.url).pathname !== "/")
        return new Response("nobody\u001b[31m is here", { status: 502 });
      return self.upgrade(request) ? undefined : new Response("", { status: 400 });
    },
    websocket: {
      open(socket) {
        sockets.push(socket);
        socket.send(sockets.length === 1 ? connectFrame("s1") : reconnectFrame(0));
        begin?.(socket, sockets.length);
      },
      message() {},
    },
  });
  return {
    url: `ws://127.0.0.1:${server.port}/`,
    sockets,
    headers,
    [Symbol.dispose]: () => void server.stop(true),
  };
}

function through(url: string, detail: Detail = "verbose", patience?: number) {
  const said: string[] = [];
  const over = new AbortController();
  const handshake = {
    url,
    options: {
      headers: [["X-Test", "yes"]] as [string, string][],
      tls: {},
      perMessageDeflate: false as const,
    },
    warnings: [],
  };
  const bridge = createPassages(handshake, { detail, patience })((line) => said.push(line), over.signal);
  return { said, bridge, over };
}

test("it says when a connection is lost, when it goes on, and when it ended", async () => {
  using server = gateway();
  const { said, bridge, over } = through(server.url);
  await eventually("the first connection", () => said.includes("open"));
  server.sockets[0]?.close(1012, "drain\u001b[31m");
  await eventually("the second", () => said.includes("goes on"));
  over.abort();
  await bridge.closed;
  expect(said).toEqual([
    "open",
    "the connection is lost (1012 drain\\u001b[31m); trying again",
    "goes on",
    "ended",
  ]);
});

test("it makes the handshake that was asked for, each time", async () => {
  using server = gateway();
  const { said, over, bridge } = through(server.url);
  await eventually("the first connection", () => said.includes("open"));
  server.sockets[0]?.terminate();
  await eventually("the second", () => said.includes("goes on"));
  over.abort();
  await bridge.closed;
  expect(server.headers.map((each) => each.get("x-test"))).toEqual(["yes", "yes"]);
});

for (const [detail, lines] of [
  ["normal", ["the connection is lost (1006); trying again", "goes on"]],
  ["quiet", []],
] as const) {
  test(`${detail}: it says ${lines.length} things before the stream is lost`, async () => {
    using server = gateway((socket, nth) => void (nth === 2 && socket.close(4510, "unknown")));
    const { said, bridge } = through(server.url, detail);
    await eventually("a stream", () => bridge.status.type === "open");
    server.sockets[0]?.terminate();
    await bridge.closed.catch(() => {});
    expect(said).toEqual([...lines, "the stream is lost: closed with 4510 unknown"]);
  });
}

test("it says with which status a handshake was refused, without the server's own text", async () => {
  using server = gateway();
  const { said, bridge } = through(`${server.url}x`);
  await bridge.closed.catch(() => {});
  expect(said).toEqual([
    "no bridge: the handshake was refused with HTTP 502; fairlead connect shows what the server says of it",
  ]);
  expect(server.headers.length).toBe(1);
});

test("it says that nobody listens", async () => {
  const { said, bridge } = through(`ws://${await closedTarget()}/`);
  await bridge.closed.catch(() => {});
  expect(said).toEqual([expect.stringMatching(/^no bridge: .*connect/i)]);
});

test("it is as patient as it is told to be", async () => {
  using server = gateway();
  const { said, bridge } = through(server.url, "normal", 0);
  await eventually("a stream", () => bridge.status.type === "open");
  server.sockets[0]?.terminate();
  await bridge.closed.catch(() => {});
  expect(said).toEqual([expect.stringContaining("no attempt to resume it helped")]);
  expect(server.sockets.length).toBe(1);
});
