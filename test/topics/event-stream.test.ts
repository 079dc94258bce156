import { describe, expect, test } from "bun:test";
import { createEventStream } from "../../src/topics/event-stream.ts";

const decoder = new TextDecoder();

/** A stream and its reader, who takes a chunk only when asked. */
function open(highWater = 100) {
  const gone: [reason: string, isCut: boolean][] = [];
  let drains = 0;
  const stream = createEventStream({
    highWater,
    onDrain: () => {
      drains += 1;
    },
    onGone: (reason, isCut) => void gone.push([reason, isCut]),
  });
  const reader = (stream.response.body ?? new ReadableStream<Uint8Array>()).getReader();
  return {
    stream,
    gone,
    drains: () => drains,
    /** The next chunk as text; "end" at the end. */
    async read() {
      const { done, value } = await reader.read();
      return done ? "end" : decoder.decode(value);
    },
    cancel: () => reader.cancel(),
  };
}

describe("event stream", () => {
  test("is answered as text/event-stream that nobody stores, buffers or keeps alive", () => {
    const { headers, status } = open().stream.response;
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("connection")).toBe("close");
    expect(headers.get("x-accel-buffering")).toBe("no");
  });

  test("gives what was written in order, and counts what waits in bytes of UTF-8", async () => {
    const { stream, read } = open();
    stream.write("first");
    stream.write("snow \u2603");
    expect(stream.buffered()).toBe(13);
    expect(await read()).toBe("first");
    expect(stream.buffered()).toBe(8);
    expect(await read()).toBe("snow \u2603");
    expect(stream.buffered()).toBe(0);
  });

  test("holds more than its mark when it is told to, and says how much", async () => {
    const { stream } = open(10);
    for (let i = 0; i < 5; i += 1) stream.write("0123456789");
    expect(stream.buffered()).toBe(50);
  });

  test("counts what waits without a mark too", () => {
    const { stream } = open(0);
    stream.write("0123456789");
    expect(stream.buffered()).toBe(10);
  });

  test("asks for more when its reader has taken something", async () => {
    const { stream, read, drains } = open(10);
    stream.write("0123456789");
    stream.write("0123456789");
    await Bun.sleep(0);
    const before = drains();
    await read();
    await read();
    await Bun.sleep(0);
    expect(drains()).toBeGreaterThan(before);
  });

  test("asks for more at each chunk that is taken, if it has no mark", async () => {
    const { stream, read, drains } = open(0);
    for (let i = 0; i < 3; i += 1) stream.write("0123456789");
    await Bun.sleep(0);
    const before = drains();
    await read();
    await Bun.sleep(0);
    expect(drains()).toBeGreaterThan(before);
  });

  test("shows that its reader took something, also when more was written than taken meanwhile", async () => {
    const { stream, read } = open();
    stream.write("0123456789");
    stream.write("0123456789");
    stream.buffered();
    stream.drained = false;
    stream.buffered();
    expect(stream.drained).toBe(false);
    await read();
    stream.write("0123456789 0123456789");
    stream.buffered();
    expect(stream.drained).toBe(true);
    stream.drained = false;
    stream.buffered();
    expect(stream.drained).toBe(false);
  });

  test("pings with a comment", async () => {
    const { stream, read } = open();
    stream.ping();
    expect(await read()).toBe(": \n\n");
  });

  test("ends after what waits, and says so once", async () => {
    const { stream, gone, read } = open();
    const reading = read();
    stream.write("taken");
    stream.end("service restart", "last");
    stream.end("again", "again");
    expect(gone).toEqual([["service restart", false]]);
    expect([await reading, await read(), await read()]).toEqual(["taken", "last", "end"]);
  });

  test("may hold its descriptor when it ends before its reader has taken all", async () => {
    const { stream, gone, read } = open();
    stream.write("waits");
    stream.end("service restart");
    expect(gone).toEqual([["service restart", true]]);
    expect([await read(), await read()]).toEqual(["waits", "end"]);
  });

  test("is cut without what waits when its reader is too slow", async () => {
    const { stream, gone, read } = open();
    stream.write("never read");
    stream.close(4008, "too slow");
    stream.terminate(1013, "again");
    expect(gone).toEqual([["too slow", true]]);
    await expect(read()).rejects.toThrow("too slow");
    expect(stream.buffered()).toBe(0);
  });

  test("notices that its reader went away, and is quiet from then on", async () => {
    const { stream, gone, cancel } = open();
    stream.write("x");
    await cancel();
    stream.write("nobody");
    stream.ping();
    stream.end("late");
    stream.terminate(1013, "late");
    expect(gone).toEqual([["the client went away", false]]);
    expect(stream.buffered()).toBe(0);
  });
});
