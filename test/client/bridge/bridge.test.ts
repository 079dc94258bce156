/** A bridge's beginning, and its bytes in both directions. */
import { describe, expect, test } from "bun:test";
import { bridgeHouse, bytesOf, failure, settle } from "./house.ts";

const MIB = 1024 * 1024;
const filled = (size: number, value = 7) => new Uint8Array(size).fill(value);

describe("a stream begins", () => {
  test("and nothing is sent before the gateway has said so", async () => {
    const { net, bridge, writer, begin, said } = bridgeHouse();
    void writer.write(bytesOf("hello"));
    await settle();
    net.last.accept();
    await settle();
    expect([net.last.sent, net.last.protocols, bridge.status.type]).toEqual([
      [],
      ["fairlead.bridge.v1"],
      "connecting",
    ]);
    await begin();
    expect([said(), bridge.status]).toEqual([["data hello"], { type: "open" }]);
  });

  test("with its token beside the subprotocol", async () => {
    const { net } = bridgeHouse({ token: async () => "secret" });
    await settle();
    expect(net.last.protocols).toEqual(["fairlead.bridge.v1", "fairlead.token.c2VjcmV0"]);
  });

  test("or is refused: both streams and `closed` say so, and that no status is visible", async () => {
    const { net, bridge, reader, writer, lose, clock } = bridgeHouse();
    await settle();
    await lose();
    const error = await failure(bridge.closed);
    expect(error.code).toBe("refused");
    expect(error.message).toContain("1006");
    expect(error.message).toContain("not told the HTTP status");
    for (const each of [reader.read(), writer.write(filled(1)), reader.closed, writer.closed]) {
      expect((await failure(each)).code).toBe("refused");
    }
    expect([net.sockets.length, clock.pending]).toEqual([1, 0]);
    expect(bridge.status).toMatchObject({ type: "closed", code: 1006, error: { code: "refused" } });
  });

  test("with no second attempt where the first was closed before it began", async () => {
    const { net, bridge, lose } = bridgeHouse();
    await settle();
    net.last.accept();
    await lose(1013, "busy");
    expect((await failure(bridge.closed)).message).toBe("there is no bridge: closed with 1013 busy");
    expect(net.sockets.length).toBe(1);
  });

  test("once more with a fresh token after 3000", async () => {
    let asked = 0;
    const { net, lose, begin, bridge } = bridgeHouse({ token: () => `${++asked}` });
    await settle();
    await lose(3000, "expired");
    expect([asked, net.sockets.length]).toEqual([2, 2]);
    await begin();
    expect(bridge.status.type).toBe("open");
  });

  test("not with a server that chose another subprotocol", async () => {
    const { net, bridge, reader } = bridgeHouse();
    await settle();
    net.last.accept("");
    expect((await failure(reader.read())).code).toBe("unsupported");
    net.last.end(1000);
    expect((await failure(bridge.closed)).message).toContain("no subprotocol");
  });

  test("not where the address is none: the cause is kept", async () => {
    const { bridge } = bridgeHouse({ url: "no address" });
    await settle();
    const error = await failure(bridge.closed);
    expect([error.code, error.cause instanceof TypeError]).toEqual(["refused", true]);
  });
});

describe("bytes for the service", () => {
  test("are cut to 65,536 a frame", async () => {
    const { writer, begin, net } = bridgeHouse();
    await begin();
    await writer.write(filled(150_000));
    expect(net.last.sent.map((frame) => (frame as Uint8Array).length - 6)).toEqual([65_536, 65_536, 18_928]);
  });

  test("wait while 1 MiB is on its way, and go on as it is acknowledged", async () => {
    const { writer, begin, ack, net } = bridgeHouse();
    await begin();
    await writer.write(filled(MIB));
    let isDone = false;
    const last = writer.write(filled(100)).then(() => {
      isDone = true;
    });
    await settle();
    expect([isDone, net.last.sent.length]).toEqual([false, 16]);
    ack(40);
    await settle();
    expect([isDone, (net.last.sent.at(-1) as Uint8Array).length]).toEqual([false, 46]);
    ack(100);
    await last;
    expect((net.last.sent.at(-1) as Uint8Array).length).toBe(66);
  });

  test("are kept while there is no connection, up to the same bound", async () => {
    const { writer, begin, lose, resume, said } = bridgeHouse();
    await begin();
    await writer.write(bytesOf("one "));
    await lose();
    await writer.write(bytesOf("two "));
    await writer.write(bytesOf("three"));
    await resume(2);
    expect(said()).toEqual(["data e two three"]);
  });

  test("may be written over once a write has resolved", async () => {
    const { writer, begin, lose, resume, said } = bridgeHouse();
    await begin();
    const own = bytesOf("mine");
    await writer.write(own);
    own.fill(0);
    await lose();
    await resume(0);
    expect(said()).toEqual(["data mine"]);
  });

  test("are bytes: anything else ends the bridge, and says what to do", async () => {
    const { bridge, writer, reader, begin, net } = bridgeHouse();
    await begin();
    const wrong = await failure((writer as unknown as WritableStreamDefaultWriter<string>).write("text"));
    expect(wrong.message).toContain("TextEncoder");
    expect(await failure(reader.read())).toMatchObject({ code: "aborted", cause: wrong });
    expect(net.last.closedWith).toEqual([1000, undefined]);
    net.last.end(1000);
    await bridge.closed;
  });
});

describe("bytes from the service", () => {
  test("are read in order, each as it comes", async () => {
    const { begin, data, read } = bridgeHouse();
    await begin();
    const first = read();
    data("a");
    data("b");
    data("c");
    expect([await first, await read()]).toEqual(["a", "bc"]);
  });

  test("are acknowledged 500 ms after they were read, not before", async () => {
    const { begin, data, read, said, clock } = bridgeHouse();
    await begin();
    data("abc");
    clock.advance(10_000);
    expect(said()).toEqual([]);
    await read();
    clock.advance(499);
    expect(said()).toEqual([]);
    clock.advance(1);
    expect(said()).toEqual(["ack 3"]);
    clock.advance(600);
    expect(said()).toEqual([]);
  });

  test("are acknowledged at once after 64 KiB", async () => {
    const { begin, data, read, said } = bridgeHouse();
    await begin();
    data(filled(40_000));
    data(filled(40_000));
    await read();
    expect(said()).toEqual([]);
    await read();
    expect(said()).toEqual(["ack 80000"]);
  });

  test("go into memory that a reader brings, and count as far as they fit", async () => {
    const { begin, data, reader, bridge, said, clock } = bridgeHouse();
    await begin();
    reader.releaseLock();
    const byob = bridge.readable.getReader({ mode: "byob" });
    const waits = byob.read(new Uint8Array(3));
    await settle();
    data("abcdefgh");
    expect(new TextDecoder().decode((await waits).value)).toBe("abc");
    clock.advance(500);
    expect(said()).toEqual(["ack 3"]);
    expect((await byob.read(new Uint8Array(10))).value).toEqual(bytesOf("defgh"));
    byob.releaseLock();
    const plain = bridge.readable.getReader();
    data("xyz");
    expect((await plain.read()).value).toEqual(bytesOf("xyz"));
  });

  test("that nobody reads are not acknowledged, and the connection is not paused", async () => {
    const { begin, data, said, clock, ack, writer, bridge } = bridgeHouse();
    await begin();
    for (let n = 0; n < 16; n++) data(filled(65_536));
    await writer.write(bytesOf("x"));
    ack(1);
    clock.advance(5_000);
    expect([said(), bridge.status.type]).toEqual([["data x"], "open"]);
  });

  test("beyond the window end it: a gateway that does not wait would fill the memory", async () => {
    const { begin, data, net, bridge, reader } = bridgeHouse();
    await begin();
    for (let n = 0; n < 16; n++) data(filled(65_536));
    data("x");
    expect(net.last.closedWith).toEqual([1000, undefined]);
    let bytes = 0;
    for (let n = 0; n < 16; n++) bytes += (await reader.read()).value?.length ?? 0;
    expect([bytes, (await failure(reader.read())).code]).toEqual([MIB, "broken"]);
    net.last.end(1000);
    expect((await failure(bridge.closed)).message).toContain("more than a window");
  });
});
