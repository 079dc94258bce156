import { describe, expect, test } from "bun:test";
import { startGateway } from "../gateway.ts";
import { speak } from "../v1-client.ts";

const ECHO = { "/echo": { kind: "echo" } } as const;

describe("echo: a client of fairlead.v1", () => {
  test("gets its message back with the bytes of its frame and the time, then the answer", async () => {
    await using gateway = await startGateway(ECHO);
    using ann = await speak(gateway.ws("/echo"));
    const frame = '{"t":"msg","id":1,"data":{"a":"ä"}}';
    const before = Date.now();
    ann.say(frame);
    const [event, answer] = await ann.take(2);
    const size = Buffer.byteLength(frame);
    expect(event).toEqual({ t: "msg", data: { a: "ä" }, size, time: expect.any(Number) });
    expect(answer).toEqual({ t: "ok", id: 1, size, time: event?.["time"] });
    expect(Number(event?.["time"])).toBeGreaterThanOrEqual(before);
  });

  test("gets binary back as binary", async () => {
    await using gateway = await startGateway(ECHO);
    using ann = await speak(gateway.ws("/echo"));
    const header = new TextEncoder().encode('{"t":"msg"}');
    ann.say(new Uint8Array([0, header.length, ...header, 1, 2, 3]));
    const size = 2 + header.length + 3;
    expect(await ann.next()).toMatchObject({ t: "msg", size, bytes: new Uint8Array([1, 2, 3]) });
  });

  test("has ping, and nothing of rooms", async () => {
    await using gateway = await startGateway(ECHO);
    using ann = await speak(gateway.ws("/echo"));
    expect(await ann.ask({ t: "ping" })).toMatchObject({ t: "ok", time: expect.any(Number) });
    expect(await ann.ask({ t: "sub", topic: "a" })).toMatchObject({ t: "err", code: "unknown_command" });
  });

  test("is not sent the welcome of plain clients", async () => {
    await using gateway = await startGateway(ECHO);
    using ann = await speak(gateway.ws("/echo"));
    expect(ann.welcome).toMatchObject({ kind: "echo", maxMessage: 1_048_576 });
    expect(await ann.ask({ t: "ping" })).toMatchObject({ id: 1 });
    expect(await ann.told()).toEqual([]);
  });
});
