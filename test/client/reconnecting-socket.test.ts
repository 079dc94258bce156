import { describe, expect, test } from "bun:test";
import { ReconnectingSocket } from "../../src/client/index.ts";
import { house, longest, online, settle } from "./socket-house.ts";

describe("a socket", () => {
  test("is a WebSocket while nothing goes wrong", () => {
    const { net, socket, events } = house("ws://host/", ["a", "b"]);
    expect([socket.readyState, socket.url, socket.protocol]).toEqual([socket.CONNECTING, "ws://host/", ""]);
    net.last.accept("b");
    expect([socket.readyState, socket.protocol]).toEqual([ReconnectingSocket.OPEN, "b"]);
    socket.send("hello");
    expect(net.last.sent).toEqual(["hello"]);
    net.last.say("there");
    socket.close(1000, "done");
    expect(socket.readyState).toBe(socket.CLOSING);
    expect(net.last.closedWith).toEqual([1000, "done"]);
    net.last.say("too late");
    net.last.end(1000);
    expect(socket.readyState).toBe(socket.CLOSED);
    expect(events).toEqual(["open", "message there", "close 1000"]);
  });

  test("tells listeners what it tells handlers, objects with handleEvent too", () => {
    const { net, socket } = house();
    const heard: unknown[] = [];
    socket.addEventListener("message", ({ data }) => heard.push(data), { once: true });
    socket.addEventListener("message", { handleEvent: ({ data }) => heard.push(data) });
    net.last.accept();
    net.last.say(1);
    net.last.say(2);
    expect(heard).toEqual([1, 1, 2]);
  });

  test("passes binaryType on, now and to connections to come", async () => {
    const { net, clock, socket } = house();
    expect(socket.binaryType as string).toBe("blob");
    socket.binaryType = "arraybuffer";
    expect(net.last.binaryType).toBe("arraybuffer");
    net.last.end();
    await longest(clock);
    expect(net.last.binaryType).toBe("arraybuffer");
    Object.assign(socket, { binaryType: "nodebuffer" });
    expect(socket.binaryType).toBe("arraybuffer");
  });

  test("dials ws where http is written, so that a page's own address can be used", () => {
    expect(house("https://host/room").net.last.url).toBe("wss://host/room");
    expect(house(new URL("http://host/room")).net.last.url).toBe("ws://host/room");
  });

  test("throws a SyntaxError at once for what is no address, as WebSocket does", () => {
    const make = () => new ReconnectingSocket("not an address");
    expect(make).toThrow(expect.objectContaining({ name: "SyntaxError" }));
  });

  test("refuses codes and reasons that WebSocket refuses, and goes on", () => {
    const { net, socket } = house();
    for (const code of [0, 999, 1001, 2999, 5000, Number.NaN]) {
      expect(() => socket.close(code)).toThrow(expect.objectContaining({ name: "InvalidAccessError" }));
    }
    const long = "é".repeat(62);
    expect(() => socket.close(1000, long)).toThrow(expect.objectContaining({ name: "SyntaxError" }));
    expect([socket.readyState, net.last.closedWith]).toEqual([0, undefined]);
  });
});

describe("when a connection is lost, a socket", () => {
  test("tells close, is CONNECTING, and tells open when it is back", async () => {
    const { net, clock, socket, events } = house();
    net.last.accept();
    net.last.end();
    expect(socket.readyState).toBe(socket.CONNECTING);
    await longest(clock);
    expect(net.sockets).toHaveLength(2);
    net.last.accept();
    expect(socket.readyState).toBe(socket.OPEN);
    expect(events).toEqual(["open", "error", "close 1006", "open"]);
  });

  test("hears nothing from the old one any more", async () => {
    const { net, clock, events } = house();
    const [old] = net.sockets;
    clock.advance(8_000);
    await longest(clock);
    old?.accept();
    old?.say("ghost");
    old?.end();
    expect(net.sockets).toHaveLength(2);
    expect(events).toEqual(["error", "close 1006"]);
  });

  test("gives an attempt up that is not open after 8 s", async () => {
    const { net, clock } = house();
    clock.advance(7_999);
    expect(net.last.closedWith).toBeUndefined();
    clock.advance(1);
    expect(net.last.closedWith).toEqual([]);
    await longest(clock);
    expect(net.sockets).toHaveLength(2);
  });

  test("comes back more and more slowly to a server that accepts and closes at once", async () => {
    const { net, clock } = house();
    for (let second = 0; second < 3_600; second++) {
      if (net.last.readyState === 0) {
        net.last.accept();
        net.last.end(1011);
      }
      clock.advance(1_000);
      await settle();
    }
    // 10 s between two attempts on average, in an hour that began with short ones.
    expect(net.sockets.length).toBeLessThan(600);
    expect(net.sockets.length).toBeGreaterThan(150);
  });

  test("ends at a code after which no attempt would help, and keeps no timer", () => {
    const { net, clock, socket, events } = house();
    net.last.accept();
    net.last.end(1008, "too fast");
    expect([socket.readyState, clock.pending]).toEqual([socket.CLOSED, 0]);
    expect(events).toEqual(["open", "close 1008"]);
  });

  test("comes back at once when the network does, unless the server asked for patience", async () => {
    const { net, clock, socket } = house();
    net.last.end();
    online();
    await settle();
    expect(net.sockets).toHaveLength(2);
    net.last.end(4029, "retry=60000");
    online();
    await settle();
    clock.advance(59_999);
    expect(net.sockets).toHaveLength(2);
    await longest(clock);
    expect(net.sockets).toHaveLength(3);
    socket.close();
  });
});

describe("without a connection, a socket", () => {
  test("keeps what is sent, in order, and sends it before it tells open", () => {
    const { net, socket } = house();
    const bytes = new Uint8Array([1, 2, 3]);
    socket.send("first");
    socket.send(bytes.subarray(1));
    socket.send(bytes.buffer);
    bytes.fill(9);
    expect([socket.bufferedAmount, net.last.sent.length]).toEqual([10, 0]);
    socket.onopen = () => socket.send("on open");
    net.last.accept();
    const copies = [new Uint8Array([2, 3]), new Uint8Array([1, 2, 3])];
    expect(net.last.sent).toEqual(["first", ...copies, "on open"]);
    expect(socket.bufferedAmount).toBe(0);
  });

  test("throws buffer_full at the 257th message and loses none of the others", () => {
    const { net, socket } = house();
    for (let n = 0; n < 256; n++) socket.send(`${n}`);
    expect(() => socket.send("256")).toThrow(expect.objectContaining({ code: "buffer_full" }));
    net.last.accept();
    expect(net.last.sent).toEqual(Array.from({ length: 256 }, (_, n) => `${n}`));
    socket.send("257");
    expect(net.last.sent).toHaveLength(257);
  });

  test("throws buffer_full past 1 MiB, counted in UTF-8", () => {
    const { socket } = house();
    socket.send("é".repeat(512 * 1024));
    expect(() => socket.send("x")).toThrow("1 messages of 1048576 bytes wait");
    expect(socket.bufferedAmount).toBe(1024 * 1024);
  });

  test("discards what is sent after close, as WebSocket does, and counts it", () => {
    const { net, socket } = house();
    socket.close();
    socket.send("lost");
    expect([socket.bufferedAmount, net.last.sent.length]).toEqual([4, 0]);
  });
});

describe("close, on a socket", () => {
  test("during connect ends it with 1006 and no further attempt", async () => {
    const { net, clock, socket, events } = house();
    socket.close();
    expect(socket.readyState).toBe(socket.CLOSING);
    net.last.end();
    await longest(clock);
    expect([socket.readyState, net.sockets.length, clock.pending]).toEqual([socket.CLOSED, 1, 0]);
    expect(events).toEqual(["error", "close 1006"]);
  });

  test("while it is away ends it, later than the call", async () => {
    const { net, clock, socket, events } = house();
    net.last.end();
    socket.close();
    socket.close();
    expect([socket.readyState, events.length]).toEqual([socket.CLOSING, 2]);
    await longest(clock);
    expect([socket.readyState, net.sockets.length, clock.pending]).toEqual([socket.CLOSED, 1, 0]);
    expect(events.slice(2)).toEqual(["error", "close 1006"]);
  });

  test("does not wait for ever for a dead peer", () => {
    const { net, clock, socket } = house();
    net.last.accept();
    socket.close(1000);
    clock.advance(5_000);
    expect([socket.readyState, clock.pending]).toEqual([socket.CLOSED, 0]);
  });

  test("in its own close handler ends it", async () => {
    const { net, clock, socket } = house();
    socket.onclose = () => socket.close();
    net.last.accept();
    net.last.end();
    await longest(clock);
    expect([socket.readyState, net.sockets.length, clock.pending]).toEqual([socket.CLOSED, 1, 0]);
  });
});
