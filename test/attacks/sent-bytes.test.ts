/**
 * What is sent is what was given, or nothing (CVE-2016-10518, CVE-2026-45736): numbers and the odder kinds of bytes, at every call of
 * the server's side and of the library's that puts something on the wire. What comes is never memory that nobody wrote.
 */
import { describe, expect, test } from "bun:test";
import { openBridge } from "../../src/client/bridge.ts";
import { connect, ReconnectingSocket } from "../../src/client/index.ts";
import { openRelay } from "../../src/client/relay.ts";
import { startGateway } from "../gateway.ts";
import { bounded, frame, OPCODE, upgrade } from "../raw-client.ts";
import { serveRoute } from "../serve-route.ts";
import { startService } from "../tcp-service.ts";

const BYTES = [1, 2, 3, 4, 5, 6, 7, 8];
const buffer = Uint8Array.from(BYTES).buffer;
const shared = new SharedArrayBuffer(8);
new Uint8Array(shared).set(BYTES);

/** Each of them is these eight bytes, but for the parts. */
const KINDS: readonly (readonly [
  what: string,
  data: ArrayBuffer | SharedArrayBuffer | ArrayBufferView,
  is: number[],
])[] = [
  ["an ArrayBuffer", buffer, BYTES],
  ["a Uint8Array of a part", new Uint8Array(buffer, 2, 3), [3, 4, 5]],
  ["a Uint16Array", new Uint16Array(buffer), BYTES],
  ["a Float64Array", new Float64Array(buffer), BYTES],
  ["a DataView of a part", new DataView(buffer, 4, 2), [5, 6]],
  ["a SharedArrayBuffer", shared, BYTES],
  ["a Uint8Array over shared memory", new Uint8Array(shared, 1, 2), [2, 3]],
];

/** WHATWG's WebSocket does not take it. */
const isShared = (data: object) =>
  data instanceof SharedArrayBuffer || (ArrayBuffer.isView(data) && data.buffer instanceof SharedArrayBuffer);

describe("the library sends exactly the bytes of", () => {
  test.each(KINDS)("%s: published", async (_, data, is) => {
    await using gateway = await startGateway({
      "/feed/:topic": { kind: "feed", welcome: false, publish: true },
    });
    const session = connect(gateway.ws("/feed/a"));
    await session.publish(data);
    const [message] = (await session.history()).messages;
    session.close();
    expect(message?.data).toEqual(Uint8Array.from(is));
  });

  test.each(KINDS)("%s: sent to a relay's partner", async (_, data, is) => {
    await using gateway = await startGateway({ "/relay": { kind: "relay" } });
    const [center, local] = (["center", "local"] as const).map((role) =>
      openRelay(gateway.ws("/relay"), { group: "g", role }),
    );
    const sent = center?.send(data);
    const first = await bounded("the message", local?.[Symbol.asyncIterator]().next() ?? Promise.reject());
    expect(first.value?.data).toEqual(Uint8Array.from(is));
    await local?.close();
    await sent?.catch(() => undefined);
    await center?.close();
  });

  test.each(KINDS)(
    "%s: sent on a socket that reconnects, before it is open and after",
    async (_, data, is) => {
      await using gateway = await startGateway({ "/echo": { kind: "echo", welcome: false } });
      const socket = new ReconnectingSocket(gateway.ws("/echo"));
      socket.binaryType = "arraybuffer";
      const heard: unknown[] = [];
      const { promise: ended, resolve } = Promise.withResolvers<void>();
      socket.onmessage = ({ data: bytes }) => {
        if (bytes === "end") resolve();
        else heard.push(Array.from(new Uint8Array(bytes)));
      };
      socket.send(data as ArrayBuffer);
      socket.onopen = () => {
        if (isShared(data)) expect(() => socket.send(data as ArrayBuffer)).toThrow(TypeError);
        else socket.send(data as ArrayBuffer);
        socket.send("end");
      };
      await bounded("all messages", ended);
      socket.close();
      expect(heard).toEqual(isShared(data) ? [is] : [is, is]);
    },
  );

  test.each(KINDS.filter(([, data]) => !(data instanceof SharedArrayBuffer)))(
    "%s: written to a bridge",
    async (_, data, is) => {
      using service = await startService();
      await using gateway = await startGateway({ "/bridge": { kind: "bridge", target: service.target } });
      const bridge = openBridge(gateway.ws("/bridge"));
      await bridge.writable.getWriter().write(data as Uint8Array);
      const peer = await service.next();
      await peer.has(is.length);
      expect(Array.from(peer.bytes())).toEqual(is);
      void bridge.closed.catch(() => undefined);
      await bridge.readable.cancel();
    },
  );
});

describe("a number is no length:", () => {
  test("what is published is the number, and what is no JSON is refused", async () => {
    await using gateway = await startGateway({
      "/feed/:topic": { kind: "feed", welcome: false, publish: true },
    });
    const session = connect(gateway.ws("/feed/a"));
    await session.publish(1_000);
    expect((await session.history()).messages.map(({ data }) => data)).toEqual([1_000]);
    for (const nothing of [undefined, () => 1, Symbol("x")])
      expect(session.publish(nothing)).rejects.toThrow("is no JSON");
    expect(session.publish(10n)).rejects.toThrow(TypeError);
    session.close();
  });

  test("a bridge carries bytes only", async () => {
    using service = await startService();
    await using gateway = await startGateway({ "/bridge": { kind: "bridge", target: service.target } });
    for (const wrong of [1_000, "text", null, {}, [1, 2, 3], shared]) {
      const bridge = openBridge(gateway.ws("/bridge"));
      void bridge.closed.catch(() => undefined);
      expect(bridge.writable.getWriter().write(wrong as never)).rejects.toThrow(TypeError);
    }
  });

  test.each([["1"], [2_999], [5_000], [Number.NaN], [new DataView(buffer)]])(
    "a socket of the library does not close with code %p",
    (code) => {
      const socket = new ReconnectingSocket("ws://127.0.0.1:9");
      expect(() => socket.close(code as never)).toThrow("close code");
      socket.close();
    },
  );
});

describe("the server's side", () => {
  test.each(KINDS)("sends exactly the bytes of %s", async (_, data, is) => {
    const { host } = serveRoute({ message: (connection) => void connection.send(data as Uint8Array) });
    using client = await upgrade(host, { path: "/x/a" });
    client.write(frame("now"));
    const { opcode, payload } = await client.next();
    expect([opcode, Array.from(payload)]).toEqual([OPCODE.binary, is]);
  });

  test("sends a number as its text, not as so many bytes", async () => {
    const { host } = serveRoute({ message: (connection) => void connection.send(1_000 as never) });
    using client = await upgrade(host, { path: "/x/a" });
    client.write(frame("now"));
    expect(`${(await client.next()).payload}`).toBe("1000");
  });

  test.each([[1_000], [undefined], [{}], [null]])("closes with 1011, if the reason is %p", async (reason) => {
    const { host } = serveRoute({ message: (connection) => connection.close(1000, reason as never) });
    using client = await upgrade(host, { path: "/x/a" });
    client.write(frame("now"));
    const { code, reason: told } = await client.ending();
    expect([code, told]).toEqual([1011, expect.stringContaining("internal error")]);
  });

  test("answers a ping with its own bytes", async () => {
    await using gateway = await startGateway({ "/echo": { kind: "echo", welcome: false } });
    using client = await upgrade(gateway.host);
    for (const size of [0, 1, 124, 125]) {
      const sent = Buffer.from(Uint8Array.from({ length: size }, (_, at) => at));
      client.write(frame(sent, { opcode: OPCODE.ping }));
      const { opcode, payload } = await client.next();
      expect([opcode, payload.equals(sent)]).toEqual([OPCODE.pong, true]);
    }
  });
});
