import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ByteRing } from "../../../src/bridge/resume/byte-ring.ts";
import { MAX_DATA, readFrame } from "../../../src/wire/bridge-frames.ts";

/** What every ring has beside its bytes. */
const LEAD = 64;
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const bytes = (from: string) => Buffer.from(from, "latin1");

function ringOf(...pieces: string[]): ByteRing {
  const ring = new ByteRing();
  for (const piece of pieces) ring.push(bytes(piece));
  return ring;
}

/** Everything from a position on, as views. */
function views(ring: ByteRing, from: number, max = Number.MAX_SAFE_INTEGER): string {
  let all = "";
  for (let at = from; at < ring.end; ) {
    const view = text(ring.view(at, max));
    all += view;
    at += view.length;
  }
  return all;
}

/** The same as frames. */
function frames(ring: ByteRing, from: number, max: number): string {
  let all = "";
  for (let at = from; at < ring.end; ) {
    ring.sendFrame(at, max, (frame) => {
      const read = readFrame(frame, MAX_DATA);
      if (read?.type !== "data") throw new Error(`no DATA: ${frame.join()}`);
      all += text(read.bytes);
      at += read.bytes.length;
      return true;
    });
  }
  return all;
}

test("gives back what was pushed, from any position that is kept", () => {
  const ring = ringOf("hello ", "world");
  expect([views(ring, 0), views(ring, 8), ring.size]).toEqual(["hello world", "rld", 11]);
});

test("keeps positions when its start is released", () => {
  const ring = ringOf("hello ", "world");
  ring.release(6);
  expect([ring.start, ring.size, views(ring, 6)]).toEqual([6, 5, "world"]);
});

test("goes on at the position it is reset to", () => {
  const ring = ringOf("hello");
  ring.reset(3);
  ring.push(bytes("p"));
  expect([ring.start, ring.end, views(ring, 3)]).toEqual([3, 4, "p"]);
});

test("says of a frame whether it was taken", () => {
  const ring = ringOf("hello");
  expect([true, false].map((taken) => ring.sendFrame(0, 5, () => taken))).toEqual([true, false]);
});

test("leaves the bytes under a frame's header as they were, also when it is cut in the middle", () => {
  const ring = ringOf("0123456789");
  expect([frames(ring, 0, 3), frames(ring, 4, 100), views(ring, 0)]).toEqual([
    "0123456789",
    "456789",
    "0123456789",
  ]);
});

test("has nothing to show before the first byte, nor behind the last", () => {
  expect(new ByteRing().view(0, 10)).toHaveLength(0);
  expect(ringOf("hello").view(5, 10)).toHaveLength(0);
});

describe("memory", () => {
  /** Of the block that views lie in. */
  const memoryOf = (ring: ByteRing) => ring.view(ring.start, 1).buffer.byteLength;

  test("a small stream costs one small block", () => {
    expect(memoryOf(ringOf("x"))).toBe(LEAD + 4096);
  });

  test("a stream that is released as it goes needs no more than it holds at once", () => {
    const ring = new ByteRing();
    for (let n = 0; n < 1000; n += 1) {
      ring.push(new Uint8Array(3000));
      ring.release(ring.end - 1000);
    }
    expect(memoryOf(ring)).toBe(LEAD + 4096);
  });

  test("a hundred thousand single bytes cost what they are", () => {
    const ring = new ByteRing();
    for (let n = 0; n < 100_000; n += 1) ring.push(Uint8Array.of(n));
    expect(memoryOf(ring)).toBe(LEAD + 131_072);
  });

  test("all of it is given back when it was empty for a while, not before", () => {
    const ring = ringOf("hello");
    const { buffer } = ring.view(0, 1);
    ring.trim();
    ring.release(5);
    expect(buffer.byteLength).toBeGreaterThan(0);
    ring.trim();
    expect(buffer.byteLength).toBe(0);
    ring.push(bytes("again"));
    expect(views(ring, 5)).toBe("again");
  });

  test("none of it is given back while bytes are kept", () => {
    const ring = ringOf("hello");
    for (let n = 0; n < 3; n += 1) ring.trim();
    expect(views(ring, 0)).toBe("hello");
  });
});

test("whatever is pushed, released and sent, the bytes stay what they were", () => {
  const step = fc.record({
    push: fc.nat(9_000),
    release: fc.nat(9_000),
    max: fc.integer({ min: 1, max: 5_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const ring = new ByteRing();
      let whole = "";
      for (const { push, release, max } of steps) {
        const piece = Array.from({ length: push }, (_, n) =>
          String.fromCharCode((whole.length + n * 7) % 256),
        ).join("");
        whole += piece;
        ring.push(bytes(piece));
        ring.release(Math.min(ring.end, ring.start + release));
        const kept = whole.slice(ring.start);
        expect(frames(ring, ring.start, max) === kept).toBe(true);
        expect(views(ring, ring.start) === kept).toBe(true);
      }
    }),
    { numRuns: 50 },
  );
});
