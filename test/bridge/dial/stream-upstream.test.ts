import { describe, expect, test } from "bun:test";
import { PassThrough, Writable } from "node:stream";
import { StreamUpstream } from "../../../src/bridge/dial/stream-upstream.ts";
import type { UpstreamHandler } from "../../../src/bridge/upstream.ts";

/** Streams in the test's hands: the target reads when `take` is called. */
function streamHouse(changes: Partial<UpstreamHandler> = {}, highWaterMark = 1) {
  const told: string[] = [];
  const from = new PassThrough();
  const written: Buffer[] = [];
  let taken: (() => void) | undefined;
  const to = new Writable({
    highWaterMark,
    write(chunk: Buffer, _, done) {
      written.push(chunk);
      taken = () => done();
    },
  });
  let released = 0;
  const handler: UpstreamHandler = {
    data: (chunk) => void told.push(`data ${chunk}`),
    drain: () => void told.push("drain"),
    end: () => void told.push("end"),
    close: (error) => void told.push(`close ${error?.message}`),
    ...changes,
  };
  const release = () => {
    released += 1;
  };
  const failed = (error: unknown) => void told.push(`failed ${error}`);
  const data = { handler, target: "x", release, failed };
  const ended = (name: string) => () => void told.push(name);
  const upstream = new StreamUpstream(data, {
    from,
    to,
    end: ended("ended"),
    terminate: ended("terminated"),
  });
  return {
    upstream,
    from,
    to,
    told,
    written,
    take: () => taken?.(),
    get released() {
      return released;
    },
  };
}

const turn = () => new Promise<void>((done) => setImmediate(done));

describe("an upstream of streams", () => {
  test("is not read until it is resumed, nor while it is paused, and then tells everything in order", async () => {
    const { upstream, from, told } = streamHouse();
    from.write("one");
    await turn();
    expect(told).toEqual([]);
    upstream.resume();
    await turn();
    upstream.pause();
    from.end("two");
    await turn();
    expect(told).toEqual(["data one"]);
    upstream.resume();
    await turn();
    expect(told).toEqual(["data one", "data two", "end"]);
  });

  test("takes all that its stream has room for, so that drain follows whenever it takes less", () => {
    const { upstream, told } = streamHouse({}, 1024 * 1024);
    expect(upstream.write(new Uint8Array(1_000_000))).toBe(1_000_000);
    expect(upstream.write(new Uint8Array(1_000_000))).toBeLessThan(200_000);
    expect([upstream.write(Buffer.from("x")), told]).toEqual([0, []]);
  });

  test("takes 64 KiB past that, and nothing until the target has taken it", async () => {
    const { upstream, written, take, told } = streamHouse();
    const bytes = new Uint8Array(200_000).fill(1);
    expect(upstream.write(bytes)).toBe(65_536);
    expect([upstream.write(bytes), upstream.write(bytes)]).toEqual([0, 0]);
    expect(told).toEqual([]);
    take();
    await turn();
    expect(told).toEqual(["drain"]);
    expect(upstream.write(bytes.subarray(0, 10))).toBe(10);
    expect(written.map(({ length }) => length)).toEqual([65_536, 10]);
  });

  test("keeps what it took, whatever its owner does with the memory afterwards", () => {
    const { upstream, written } = streamHouse();
    const bytes = Buffer.from("mine");
    upstream.write(bytes);
    bytes.fill(0);
    expect(written[0]?.toString()).toBe("mine");
  });

  test("takes nothing after its half-close, and after a write that failed, of which it tells by drain", async () => {
    const closed = streamHouse();
    closed.upstream.shutdown();
    expect(closed.upstream.write(Buffer.from("x"))).toBe(-1);
    const broken = streamHouse();
    broken.to.destroy(new Error("EPIPE"));
    await turn();
    expect(broken.told).toEqual(["drain"]);
    expect(broken.upstream.write(Buffer.from("x"))).toBe(-1);
  });

  test("closes once, with the error if there was one, and gives back what it holds once", async () => {
    const house = streamHouse();
    house.from.destroy(new Error("ECONNRESET"));
    await turn();
    house.upstream.closed();
    house.upstream.closed();
    expect(house.told.filter((text) => text.startsWith("close"))).toEqual(["close ECONNRESET"]);
    expect(house.released).toBe(1);
  });

  test("leaves its two ends to who made it", () => {
    const { upstream, told } = streamHouse();
    upstream.end();
    upstream.terminate();
    expect(told).toEqual(["ended", "terminated"]);
  });

  test("is cut if its handler throws, and tells it so", async () => {
    const house = streamHouse({
      data() {
        throw new Error("a bug");
      },
    });
    house.upstream.resume();
    house.from.write("x");
    await turn();
    expect(house.told).toEqual(["failed Error: a bug", "close a bug", "terminated"]);
    house.from.write("y");
    await turn();
    expect([house.told.length, house.released]).toEqual([3, 1]);
  });

  test("ends nobody else if its handler throws at its end, and says so", () => {
    const house = streamHouse({
      close() {
        throw new Error("a bug");
      },
    });
    house.upstream.closed();
    expect([house.told, house.released]).toEqual([["failed Error: a bug"], 1]);
  });

  test("tells nobody while nobody has taken it over", async () => {
    const house = streamHouse();
    house.upstream.data.handler = undefined;
    house.to.destroy(new Error("EPIPE"));
    await turn();
    house.upstream.closed();
    expect(house.released).toBe(1);
  });
});
