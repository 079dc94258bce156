/** Frames that no honest client sends, over raw sockets against a real gateway. After each of them: calm. */

import { describe, expect, test } from "bun:test";
import { eventually, expectCalm, expectEcho, expectNextIsServed } from "./calm.ts";
import { testClock } from "./clock.ts";
import { startGateway, type TestGateway } from "./gateway.ts";
import { closePayload, dial, type FrameOptions, frame, head, OPCODE, upgrade } from "./raw-client.ts";
import { serveRoute } from "./serve-route.ts";

const KIB = 1024;
const echo = { kind: "echo", welcome: false, maxMessage: 64 * KIB } as const;

const closed = (code: number) => `fairlead_connections_closed_total{route="/echo",code="${code}"}`;

/** What the client is told, and what `/metrics` counts; they may only differ for a code that no table has. */
async function expectClose(
  gateway: TestGateway,
  bytes: Uint8Array,
  code: number,
  counted = code,
): Promise<void> {
  const before = await gateway.metric(closed(counted));
  using client = await upgrade(gateway.host);
  client.write(bytes);
  expect((await client.ending()).code).toBe(code);
  await expectCalm(gateway);
  expect(await gateway.metric(closed(counted))).toBe(before + 1);
}

const frames = (...list: [string | Uint8Array, FrameOptions?][]) =>
  Buffer.concat(list.map(([payload, options]) => frame(payload, options)));

const close = (payload: string | Uint8Array) => frame(payload, { opcode: OPCODE.close });
const begun = { fin: false } as const;
const middle = { opcode: OPCODE.continuation, fin: false } as const;
const last = { opcode: OPCODE.continuation } as const;

describe("a frame that breaks RFC 6455 ends its connection with 1002:", () => {
  test.each([
    ["not masked", frame("x", { mask: false })],
    ["a close that is not masked", frame(closePayload(1000), { opcode: OPCODE.close, mask: false })],
    ["RSV1 without compression", frame("x", { rsv: 4 })],
    ["RSV2", frame("x", { rsv: 2 })],
    ["RSV3", frame("x", { rsv: 1 })],
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
      (opcode) => [`opcode ${opcode}`, frame("x", { opcode })] as const,
    ),
    ["a continuation of nothing", frame("x", last)],
    ["a new message inside another", frames(["x", begun], ["y"])],
    ["a ping in fragments", frame("x", { opcode: OPCODE.ping, fin: false })],
    ["a close in fragments", frame(closePayload(1000), { opcode: OPCODE.close, fin: false })],
    ["a ping of 126 bytes", frame("x".repeat(126), { opcode: OPCODE.ping })],
    ["a close of 126 bytes", close(closePayload(1000, "x".repeat(124)))],
    ["a ping that announces 2^64-1 bytes", frame("", { opcode: OPCODE.ping, announce: 2n ** 64n - 1n })],
    ["a close of one byte", close("x")],
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map(
      (code) => [`a close with code ${code}`, close(closePayload(code, "bye"))] as const,
    ),
    ["a second handshake", Buffer.from("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")],
  ])("%s", async (_, bytes) => {
    await using gateway = await startGateway({ "/echo": echo });
    await expectClose(gateway, bytes, 1002);
  });
});

describe("text that is not UTF-8 ends its connection with 1007:", () => {
  test.each([
    ["bytes that begin nothing", frame(Buffer.of(0xff, 0xfe))],
    ["a character cut off", frame(Buffer.of(0xe2, 0x98))],
    ["an overlong form", frame(Buffer.of(0xc0, 0xaf))],
    ["a surrogate", frame(Buffer.of(0xed, 0xa0, 0x80))],
    ["a code point past U+10FFFF", frame(Buffer.of(0xf4, 0x90, 0x80, 0x80))],
    ["spread over fragments", frames([Buffer.of(0xe2, 0x98), begun], [Buffer.of(0xff), last])],
    ["the reason of a close", close(closePayload(1000, Buffer.of(0xff, 0xfe)))],
  ])("%s", async (_, bytes) => {
    await using gateway = await startGateway({ "/echo": echo });
    await expectClose(gateway, bytes, 1007);
  });
});

describe("a message over the limit ends its connection with 1009:", () => {
  const half = "x".repeat(33 * KIB);
  test.each([
    ["one byte more than maxMessage", frame("x".repeat(64 * KIB + 1))],
    ["fragments that sum up over it", frames([half, begun], [half, last])],
    ["2^16+1 bytes announced", frame("x", { announce: 65_537n })],
    ["2^31 bytes announced", frame("x", { announce: 2n ** 31n })],
    ["2^32 bytes announced", frame("x", { announce: 2n ** 32n })],
    ["2^63 bytes announced", frame("x", { announce: 2n ** 63n })],
    ["2^64-1 bytes announced", frame("x", { announce: 2n ** 64n - 1n })],
    [
      "2^64-1 bytes announced by a fragment",
      frames(["x", begun], ["y", { ...last, announce: 2n ** 64n - 1n }]),
    ],
  ])("%s", async (_, bytes) => {
    await using gateway = await startGateway({ "/echo": echo });
    await expectClose(gateway, bytes, 1009);
  });

  test("also if only its own route forbids it and another one's limit is larger", async () => {
    await using gateway = await startGateway({
      "/echo": echo,
      "/large": { kind: "echo", maxMessage: "1MiB" },
    });
    await expectClose(gateway, frame("x".repeat(64 * KIB + 1)), 1009);
  });

  test("but not one of exactly maxMessage, whole or in fragments", async () => {
    await using gateway = await startGateway({ "/echo": echo });
    using client = await upgrade(gateway.host);
    const message = "x".repeat(64 * KIB);
    await expectEcho(client, message);
    client.write(frames([message.slice(1), begun], ["x", last]));
    expect((await client.next()).payload.toString()).toBe(message);
  });
});

describe("a close by the client", () => {
  test.each([
    [1000, 1000],
    [1001, 1001],
    [1011, 1011],
    [3500, 0],
    [4999, 0],
  ])("with code %d is answered with it and counted as %d", async (code, counted) => {
    await using gateway = await startGateway({ "/echo": echo });
    await expectClose(gateway, close(closePayload(code, "bye")), code, counted);
  });

  test("without a code is answered without one and counted as 1005", async () => {
    await using gateway = await startGateway({ "/echo": echo });
    await expectClose(gateway, close(""), 1005);
  });

  test("ends the connection: frames behind it are ignored", async () => {
    await using gateway = await startGateway({ "/echo": echo });
    using client = await upgrade(gateway.host);
    client.write(Buffer.concat([close(closePayload(1000)), frame("late"), frame("x", { rsv: 7 })]));
    expect((await client.next()).opcode).toBe(OPCODE.close);
    expect(await client.ended()).toBe("end");
    expect(client.waiting).toBe(0);
    expect(await gateway.metric('fairlead_messages_received_total{route="/echo"}')).toBe(0);
    await expectCalm(gateway);
  });
});

describe("TCP segments and fragments", () => {
  test("of one byte each change nothing: head, text of several bytes a character, ping, close", async () => {
    await using gateway = await startGateway({ "/echo": echo });
    using client = await dial(gateway.host);
    await client.drip(head());
    expect((await client.answer()).status).toBe(101);
    await client.drip(frame("snow \u2603 \u{1f600}"));
    expect((await client.next()).payload.toString()).toBe("snow \u2603 \u{1f600}");
    await client.drip(frame("p", { opcode: OPCODE.ping }));
    expect(await client.next()).toMatchObject({ opcode: OPCODE.pong, payload: Buffer.from("p") });
    await client.drip(close(closePayload(1000)));
    expect((await client.ending()).code).toBe(1000);
    await expectCalm(gateway);
  });

  test("invalid UTF-8 that drips in is found", async () => {
    await using gateway = await startGateway({ "/echo": echo });
    using client = await upgrade(gateway.host);
    await client.drip(frame(Buffer.of(0xe2, 0x98, 0xff)));
    expect((await client.ending()).code).toBe(1007);
    await expectCalm(gateway);
  });

  test("frames that come together with the handshake are messages", async () => {
    await using gateway = await startGateway({ "/echo": echo });
    using client = await dial(gateway.host);
    client.write(Buffer.concat([Buffer.from(head()), frame("early")]));
    expect((await client.answer()).status).toBe(101);
    expect((await client.next()).payload.toString()).toBe("early");
  });

  test("control frames between fragments are answered at once, and the message stays whole", async () => {
    await using gateway = await startGateway({ "/echo": echo });
    using client = await upgrade(gateway.host);
    const ping = { opcode: OPCODE.ping };
    client.write(frames(["a", begun], ["1", ping], ["b", middle], ["2", ping], ["", middle], ["c", last]));
    const answers = [await client.next(), await client.next(), await client.next()];
    expect(answers.map(({ payload }) => payload.toString())).toEqual(["1", "2", "abc"]);
  });

  test("50,000 empty and one-byte fragments make one message, and the next client is served meanwhile", async () => {
    await using gateway = await startGateway({ "/echo": echo });
    using client = await upgrade(gateway.host);
    const few = frames(
      ...Array.from({ length: 500 }, (_, i): [string, FrameOptions] => [i % 2 ? "x" : "", middle]),
    );
    client.write(frame("", begun));
    for (let round = 0; round < 100; round += 1) client.write(few);
    await expectNextIsServed(gateway);
    client.write(frame("", last));
    expect((await client.next()).payload).toHaveLength(25_000);
  });
});

describe("a client that leaves without a word", () => {
  const halfFrame = frame("x".repeat(1_000)).subarray(0, 500);
  test.each([
    ["right after the 101", Buffer.alloc(0)],
    ["after one byte of a frame", halfFrame.subarray(0, 1)],
    ["in the middle of a frame", halfFrame],
    ["in the middle of a message", frame("x", begun)],
    ["behind whole messages", Buffer.concat([frame("a"), frame("b"), halfFrame])],
  ])("by RST or FIN %s is counted as 1006", async (_, bytes) => {
    await using gateway = await startGateway({ "/echo": echo });
    for (const leave of ["reset", "halfClose"] as const) {
      using client = await upgrade(gateway.host);
      client.write(bytes);
      client[leave]();
      await client.ended();
    }
    await eventually("1006 twice", async () => (await gateway.metric(closed(1006))) === 2);
    await expectCalm(gateway);
  });

  test("in the middle of the handshake leaves nothing behind", async () => {
    await using gateway = await startGateway({ "/echo": echo });
    for (const part of [0, 1, 20, head().length - 1]) {
      const client = await dial(gateway.host);
      client.write(head().slice(0, part));
      client.reset();
    }
    await expectCalm(gateway);
  });

  test("together with its handshake, a hundred times, leaves nothing behind", async () => {
    await using gateway = await startGateway({ "/echo": echo });
    for (let round = 0; round < 100; round += 1) {
      const client = await dial(gateway.host);
      client.write(head());
      if (round % 2) await client.answer();
      client.reset();
    }
    await expectCalm(gateway);
  });
});

describe("floods", () => {
  const pings = (from: number, to: number) =>
    Buffer.concat(Array.from({ length: to - from }, (_, n) => frame(`${from + n}`, { opcode: OPCODE.ping })));

  test("5,000 pings of a client that reads get their pongs in order where pings have no limit", async () => {
    await using gateway = await startGateway({ "/echo": echo }, { limits: { pings: 0 } });
    using client = await upgrade(gateway.host);
    client.write(pings(0, 5_000));
    for (let n = 0; n < 5_000; n += 1) expect((await client.next()).payload.toString()).toBe(`${n}`);
  });

  test("60 pings in 10 s are answered, and the 61st closes with 1008", async () => {
    await using gateway = await startGateway({ "/echo": echo });
    using client = await upgrade(gateway.host);
    client.write(pings(0, 60));
    for (let n = 0; n < 60; n += 1) expect((await client.next()).opcode).toBe(OPCODE.pong);
    client.write(pings(60, 61));
    expect((await client.next()).opcode).toBe(OPCODE.pong);
    const close = await client.next();
    expect([close.opcode, close.payload.readUInt16BE()]).toEqual([OPCODE.close, 1008]);
    await expectCalm(gateway);
  });

  test("60 pings a window are answered for ever", async () => {
    const clock = testClock();
    const { host } = serveRoute({}, { clock });
    using client = await upgrade(host, { path: "/x/a" });
    for (let window = 0; window < 3; window += 1) {
      client.write(pings(0, 60));
      for (let n = 0; n < 60; n += 1) expect((await client.next()).opcode).toBe(OPCODE.pong);
      clock.advance(10_000);
    }
  });

  test("10,000 pongs that nobody asked for are no messages", async () => {
    await using gateway = await startGateway({ "/echo": echo });
    using client = await upgrade(gateway.host);
    const pong = frame("x", { opcode: OPCODE.pong });
    client.write(Buffer.concat(Array.from({ length: 10_000 }, () => pong)));
    await expectEcho(client, "still here");
    expect(await gateway.metric('fairlead_messages_received_total{route="/echo"}')).toBe(1);
  });
});
