/** As runtime.test.ts, for permessage-deflate: what the runtime negotiates, inflates and compresses by itself. */
import { describe, expect, onTestFinished, test } from "bun:test";
import { deflateRawSync } from "node:zlib";
import type { ServerWebSocket, WebSocketHandler } from "bun";
import { SHARED_COMPRESSOR } from "../src/compression.ts";
import { eventually } from "./calm.ts";
import { deflated, EXTENSIONS, inflated, OFFER, RSV1 } from "./deflate.ts";
import { ask, frame, upgrade } from "./raw-client.ts";

type Compressor = WebSocketHandler<undefined>["perMessageDeflate"];

/** Echoes, compressed; `/off` takes the offer out of the request first. */
function serve(perMessageDeflate: NonNullable<Compressor> = SHARED_COMPRESSOR) {
  const sockets: ServerWebSocket<undefined>[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request, self) {
      if (new URL(request.url).pathname === "/off") request.headers.delete(EXTENSIONS);
      return self.upgrade(request) ? undefined : new Response("not upgraded", { status: 418 });
    },
    websocket: {
      perMessageDeflate,
      maxPayloadLength: 1024 ** 2,
      open: (socket) => void sockets.push(socket),
      message: (socket, data) => void socket.send(data, true),
    },
  });
  onTestFinished(() => server.stop(true));
  return { host: `127.0.0.1:${server.port}`, server, sockets };
}

const agreed = async (offer: string | readonly string[], path = "/", how?: Compressor) =>
  (await ask(serve(how).host, { path, headers: { [EXTENSIONS]: offer } })).headers.get(EXTENSIONS);

const FORGETS = "permessage-deflate; client_no_context_takeover; server_no_context_takeover";

describe("the runtime's shared compressor", () => {
  test.each(["permessage-deflate", "permessage-deflate; client_max_window_bits"])(
    "forgets each message, both ways, if `%s` is offered",
    async (offer) => {
      expect(await agreed(offer)).toBe(FORGETS);
    },
  );

  test("declines a smaller window of its own", async () => {
    expect(await agreed("permessage-deflate; server_max_window_bits=9")).toBeNull();
  });

  test("is not negotiated if the offer is deleted from the request's headers before upgrade()", async () => {
    expect(await agreed(OFFER[EXTENSIONS], "/off")).toBeNull();
  });

  test("is used by publish() of the server unless it is told not to, by the others only if they are told to", async () => {
    const { host, server, sockets } = serve();
    using reader = await upgrade(host, { path: "/", headers: OFFER });
    using other = await upgrade(host, { path: "/" });
    await eventually("open", () => sockets.length === 2);
    sockets[0]?.subscribe("t");
    server.publish("t", "x".repeat(100));
    server.publish("t", "x".repeat(100), false);
    sockets[1]?.publish("t", "x".repeat(100));
    sockets[0]?.send("x".repeat(100));
    const rsvs = [await reader.next(), await reader.next(), await reader.next(), await reader.next()];
    expect(rsvs.map(({ rsv }) => rsv)).toEqual([RSV1, 0, 0, 0]);
    expect(other.waiting).toBe(0);
  });

  test("answers what was said, not what it became, as the bytes that were sent", async () => {
    const { host, sockets } = serve();
    using client = await upgrade(host, { path: "/", headers: OFFER });
    await eventually("open", () => sockets.length === 1);
    expect(sockets[0]?.send("x".repeat(10_000), true)).toBe(10_000);
    expect((await client.next()).payload.length).toBeLessThan(100);
  });
});

test("a compressor for each connection remembers, so that it is not offered", async () => {
  const how = { compress: "dedicated", decompress: "shared" } as const;
  expect(await agreed("permessage-deflate", "/", how)).toBe("permessage-deflate; client_no_context_takeover");
});

describe("the runtime inflates", () => {
  /** What comes back for one compressed message; a close as its code. */
  async function echoed(payload: Uint8Array): Promise<string | number> {
    using client = await upgrade(serve().host, { path: "/", headers: OFFER });
    client.write(frame(payload, { rsv: RSV1 }));
    const { rsv, opcode, payload: back } = await client.next();
    if (opcode === 8) return back.readUInt16BE(0);
    return (rsv === RSV1 ? inflated(back) : back).toString();
  }

  test("a stream that was cut as far as it goes, and says nothing", async () => {
    expect(await echoed(deflated("cut in the middle").subarray(0, 8))).toBe("cut in p");
  });

  test("a stream up to its final block, and leaves what follows", async () => {
    expect(await echoed(Buffer.concat([deflateRawSync("one"), deflateRawSync("two")]))).toBe("one");
  });

  test.each([
    ["exactly the limit", 1024 ** 2, undefined],
    ["a byte more: 1009", 1024 ** 2 + 1, 1009],
    ["a bomb: 1009", 50 * 1024 ** 2, 1009],
  ])("%s", async (_, size, code) => {
    const back = await echoed(deflated(Buffer.alloc(size, "a")));
    expect(typeof back === "number" ? back : undefined).toBe(code);
  });

  test("no bytes that are no stream: 1007", async () => {
    expect(await echoed(Buffer.alloc(8, 0xff))).toBe(1007);
  });
});
