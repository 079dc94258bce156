/**
 * What the runtime does by itself, and what it does not. The gateway is built on each of these; a probe that fails after an
 * update of Bun says which part of the gateway to look at again, not that the gateway is wrong.
 */
import { describe, expect, onTestFinished, test } from "bun:test";
import type { ServerWebSocket, WebSocketHandler } from "bun";
import { eventually } from "./calm.ts";
import { ask, dial, frame, head, OPCODE, type RawClient, upgrade } from "./raw-client.ts";

type Handler = Partial<WebSocketHandler<undefined>>;
const at = { path: "/" };

interface Bare {
  readonly host: string;
  readonly sockets: ServerWebSocket<undefined>[];
}

/** A server that upgrades whatever it may, with the options that the listener sets and no check of its own. */
function serve(websocket: Handler = {}, protocol?: string): Bare {
  const sockets: ServerWebSocket<undefined>[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    fetch(request, self) {
      const headers = protocol === undefined ? undefined : { "Sec-WebSocket-Protocol": protocol };
      if (self.upgrade(request, headers === undefined ? undefined : { headers })) return undefined;
      return new Response("not upgraded", { status: 418 });
    },
    websocket: {
      message: (socket, data) => void socket.send(data),
      open: (socket) => void sockets.push(socket),
      idleTimeout: 0,
      sendPings: false,
      ...websocket,
    },
  });
  onTestFinished(() => server.stop(true));
  return { host: `127.0.0.1:${server.port}`, sockets };
}

/** The status that comes back for these bytes; 0 if the connection is closed without a word. */
async function statusFor(bytes: string): Promise<number> {
  using client = await dial(serve().host);
  client.write(bytes);
  return (await client.answer().catch(() => ({ status: 0 }))).status;
}

describe("the runtime answers by itself", () => {
  const line = (name: string, value: string | readonly string[] | null) =>
    head({ ...at, headers: { [name]: value } });
  const crowd = Object.fromEntries(Array.from({ length: 250 }, (_, n) => [`X-${n}`, "y"]));
  test.each([
    [400, "no Host", line("Host", null)],
    [
      400,
      "a length and chunks",
      head({ ...at, headers: { "Content-Length": "5", "Transfer-Encoding": "chunked" } }),
    ],
    [400, "two lengths", line("Content-Length", ["5", "6"])],
    [400, "NUL in a header", line("X", "a\0b")],
    [400, "CR in a header", line("X", "a\rb")],
    [400, "a folded header", line("X", "a\r\n b")],
    [400, "a control character in a header", line("X", "a\x01b")],
    [400, "a PROXY line", `PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n${head(at)}`],
    [400, "a TLS hello", "\x16\x03\x01\x00\xa5\x01\r\n\r\n"],
    [400, "a path without a slash", head({ path: "echo" })],
    [505, "a control character in the path", head({ path: "/a\x01b" })],
    [505, "HTTP/2.0", head(at).replace("HTTP/1.1", "HTTP/2.0")],
    [505, "lines that end in LF alone", head(at).replaceAll("\r\n", "\n")],
    [431, "a header of 64 KiB", line("X", "y".repeat(65_536))],
    [431, "a path of 64 KiB", head({ path: `/${"y".repeat(65_536)}` })],
    [431, "250 headers", head({ ...at, headers: crowd })],
    [426, "another version than 13", line("Sec-WebSocket-Version", "8")],
    [0, "a method that nobody knows, by closing", head({ ...at, method: "BREW" })],
  ])("%d to %s", async (status, _, bytes) => {
    expect(await statusFor(bytes)).toBe(status);
  });
});

describe("upgrade() of the runtime, which is why admission checks first,", () => {
  test.each([
    ["accepts", 101, "no Connection: Upgrade", { Connection: "close" }],
    ["accepts", 101, "two Hosts", { Host: ["a", "b"] }],
    ["accepts", 101, "an announced body", { "Content-Length": "5" }],
    ["refuses", 418, "no key", { "Sec-WebSocket-Key": null }],
    ["refuses", 418, "a short key", { "Sec-WebSocket-Key": "AAAA" }],
    ["refuses", 418, "another protocol", { Upgrade: "h2c" }],
  ])("%s (%d) %s", async (_, status, __, headers) => {
    expect((await ask(serve().host, { ...at, headers })).status).toBe(status);
  });

  test("accepts HTTP/1.0, which nobody can see", async () => {
    expect(await statusFor(head(at).replace("HTTP/1.1", "HTTP/1.0"))).toBe(101);
  });

  test("echoes the first subprotocol offered, a token too, unless it is told what to say", async () => {
    const offer = { ...at, headers: { "Sec-WebSocket-Protocol": "fairlead.token.x, a" } };
    const chosen = async ({ host }: Bare) => (await ask(host, offer)).headers.get("sec-websocket-protocol");
    expect(await chosen(serve())).toBe("fairlead.token.x");
    expect(await chosen(serve({}, ""))).toBeNull();
    expect(await chosen(serve({}, "never offered"))).toBe("never offered");
  });

  test("negotiates no compression unless it is on", async () => {
    const offer = {
      ...at,
      headers: { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" },
    };
    expect((await ask(serve().host, offer)).headers.get("sec-websocket-extensions")).toBeNull();
  });
});

describe("framing of the runtime", () => {
  test("takes a length that is not in its shortest form", async () => {
    using client = await upgrade(serve().host, at);
    client.write(frame("x", { announce: 1n }));
    expect((await client.next()).payload.toString()).toBe("x");
  });

  test("looks at the UTF-8 of fragments only when the message ends", async () => {
    using client = await upgrade(serve().host, at);
    client.write(frame(Buffer.of(0xff), { fin: false }));
    client.write(frame("p", { opcode: OPCODE.ping }));
    expect((await client.next()).opcode).toBe(OPCODE.pong);
    client.write(frame("", { opcode: OPCODE.continuation }));
    expect((await client.ending()).code).toBe(1007);
  });

  test.each([
    ["Received too big message", 1009, frame("x", { announce: 2n ** 40n })],
    ["Received invalid UTF-8", 1007, frame(Buffer.of(0xff))],
    ["Received invalid opcode", 1002, frame("x", { opcode: 3 })],
  ])("tells the close handler 1006 and `%s`, the peer %d", async (text, code, bytes) => {
    const heard: unknown[] = [];
    using client = await upgrade(serve({ close: (_, ...ending) => void heard.push(ending) }).host, at);
    client.write(bytes);
    expect((await client.ending()).code).toBe(code);
    await eventually("close", () => heard.length > 0);
    expect(heard).toEqual([[1006, text]]);
  });

  test("answers pings before the handler hears of them, also while messages wait", async () => {
    let pings = 0;
    const ping = () => {
      pings += 1;
    };
    using client = await upgrade(serve({ ping }).host, at);
    client.write(frame("p", { opcode: OPCODE.ping }));
    expect((await client.next()).opcode).toBe(OPCODE.pong);
    expect(pings).toBe(1);
  });
});

describe("handlers of the runtime", () => {
  test("end the process when they throw, so that each hook is guarded", () => {
    const program = `
      const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (r, s) => (s.upgrade(r), undefined),
        websocket: { message() { throw new Error("no") } } });
      const socket = new WebSocket(server.url);
      socket.onopen = () => socket.send("x");
      setTimeout(() => process.exit(0), 3000);`;
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, "-e", program], { timeout: 10_000 });
    expect(stderr.toString()).toContain("error: no");
    expect(exitCode).toBe(1);
  });

  test("are not awaited: a second message overtakes a first that waits", async () => {
    async function message(socket: ServerWebSocket<undefined>, data: string | Buffer) {
      if (data === "first") await new Promise((resolve) => setTimeout(resolve, 20));
      socket.send(data);
    }
    using client = await upgrade(serve({ message }).host, at);
    client.write(Buffer.concat([frame("first"), frame("second")]));
    expect((await client.next()).payload.toString()).toBe("second");
  });

  test("close is called inside close() and terminate(), with nothing buffered any more", async () => {
    for (const how of ["close", "terminate"] as const) {
      const seen: unknown[] = [];
      const { host, sockets } = serve({ close: (socket) => void seen.push(socket.getBufferedAmount()) });
      using client = await upgrade(host, at);
      await fill(client, sockets);
      sockets[0]?.[how]();
      expect(seen).toEqual([0]);
    }
  });
});

/** Makes a queue of 16 MiB that its client does not read. */
async function fill(client: RawClient, sockets: ServerWebSocket<undefined>[]): Promise<void> {
  client.pause();
  await eventually("open", () => sockets.length > 0);
  sockets[0]?.send("x".repeat(16 * 1024 ** 2));
  expect(sockets[0]?.getBufferedAmount()).toBeGreaterThan(1024 ** 2);
}

describe("a queue of the runtime", () => {
  const limited = { backpressureLimit: 1024 } as const;

  test("takes a message whole that ends above the limit, and drops the next: 0", async () => {
    const { host, sockets } = serve(limited);
    using client = await upgrade(host, at);
    await fill(client, sockets);
    const before = sockets[0]?.getBufferedAmount();
    expect(sockets[0]?.send("y")).toBe(0);
    expect(sockets[0]?.getBufferedAmount()).toBe(before ?? Number.NaN);
  });

  test("says -1 for what waits below the limit", async () => {
    const { host, sockets } = serve({ backpressureLimit: 64 * 1024 ** 2 });
    using client = await upgrade(host, at);
    await fill(client, sockets);
    expect(sockets[0]?.send("y")).toBe(-1);
  });

  test("loses the newest message of a publish in silence, above the limit and for the laggard only", async () => {
    const { host, sockets } = serve({
      ...limited,
      message: (socket, data) => void socket.publish("t", data),
    });
    using laggard = await upgrade(host, at);
    await fill(laggard, sockets);
    using reader = await upgrade(host, at);
    using speaker = await upgrade(host, at);
    await eventually("open", () => sockets.length === 3);
    sockets[0]?.subscribe("t");
    sockets[1]?.subscribe("t");
    speaker.write(frame("news"));
    expect((await reader.next()).payload.toString()).toBe("news");
    laggard.resume();
    expect((await laggard.next()).payload).toHaveLength(16 * 1024 ** 2);
    speaker.write(frame("later"));
    expect((await laggard.next()).payload.toString()).toBe("later");
  });

  test("never goes out after the frame of close(); under load it may not go out at all, so drain and pipe wait first", async () => {
    const { host, sockets } = serve();
    using client = await upgrade(host, at);
    await fill(client, sockets);
    sockets[0]?.close(1012, "bye");
    client.resume();
    const first = await client.next().catch(() => undefined);
    if (first === undefined) return;
    expect(first.payload).toHaveLength(16 * 1024 ** 2);
    expect(await client.ending()).toEqual({ code: 1012, reason: "bye" });
  });
});

describe("close() of the runtime", () => {
  test.each([
    [1000, 1000],
    [4999, 4999],
    [1015, 1015],
    [1005, 1005],
    [1006, 1005],
  ])("sends %d as %d, unchecked", async (code, sent) => {
    const { host, sockets } = serve();
    using client = await upgrade(host, at);
    await eventually("open", () => sockets.length > 0);
    sockets[0]?.close(code);
    expect((await client.ending()).code).toBe(sent);
  });

  test("is the end of messages: nothing is delivered any more", async () => {
    let messages = 0;
    const message = () => {
      messages += 1;
    };
    const { host, sockets } = serve({ message });
    using client = await upgrade(host, at);
    await fill(client, sockets);
    sockets[0]?.close(1000, "enough");
    client.write(frame("late"));
    client.resume();
    await client.ended();
    expect(messages).toBe(0);
  });
});

test("the runtime shares a taken port in silence when development is off, unless reusePort is off too", () => {
  const options = { hostname: "127.0.0.1", development: false, fetch: () => new Response() } as const;
  const first = Bun.serve({ ...options, port: 0 });
  onTestFinished(() => first.stop(true));
  const second = Bun.serve({ ...options, port: first.port ?? 0 });
  onTestFinished(() => second.stop(true));
  expect(second.port).toBe(first.port);
  const alone = Bun.serve({ ...options, port: 0, reusePort: false });
  onTestFinished(() => alone.stop(true));
  expect(() => Bun.serve({ ...options, port: alone.port ?? 0, reusePort: false })).toThrow("in use");
});
