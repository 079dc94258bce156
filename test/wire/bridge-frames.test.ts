import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as frames from "../../src/wire/bridge-frames.ts";
import { bytesOf, readVectors } from "../vectors.ts";

interface BridgeVector {
  readonly name: string;
  readonly hex: string;
  /** Default: what `fairlead.bridge.v1` takes. */
  readonly maxData?: number;
  readonly frame?: {
    readonly type: string;
    readonly sid?: string;
    readonly count?: number;
    readonly hex?: string;
  };
  readonly code?: number;
  readonly ignored?: boolean;
}

const { MAX_DATA, MAX_SSH_DATA, readFrame } = frames;
const vectors = readVectors<BridgeVector>("bridge-frames");
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** What was read, in the words of the vectors. */
function said(frame: Uint8Array, maxData = MAX_DATA): Omit<BridgeVector, "name" | "hex"> {
  const read = readFrame(frame, maxData);
  if (read === undefined) return { ignored: true };
  if (read.type === "bad") return { code: read.code };
  return { frame: read.type === "data" ? { type: "data", hex: hexOf(read.bytes) } : read };
}

function written({ type, sid = "", count = 0, hex = "" }: NonNullable<BridgeVector["frame"]>): Uint8Array {
  if (type === "connected") return frames.connectFrame(sid);
  if (type === "reconnected") return frames.reconnectFrame(count);
  return type === "ack" ? frames.ackFrame(count) : frames.dataFrame(bytesOf(hex));
}

describe("reads", () => {
  for (const { name, hex, maxData, ...expected } of vectors) {
    test(name, () => expect(said(bytesOf(hex), maxData)).toEqual(expected));
  }
});

describe("writes", () => {
  for (const { name, hex, frame } of vectors) {
    if (frame !== undefined) test(name, () => expect(written(frame)).toEqual(bytesOf(hex)));
  }
});

test("tells a DATA by its length, and by -1 whatever is none or should be none", () => {
  for (const { hex, frame, maxData = MAX_DATA } of vectors) {
    const length = frame?.type === "data" ? (frame.hex ?? "").length / 2 : -1;
    expect([hex, frames.dataLength(bytesOf(hex), maxData)]).toEqual([hex, length]);
  }
});

test("any bytes come back as they were, as one DATA", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(said(frames.dataFrame(bytes))).toEqual({ frame: { type: "data", hex: hexOf(bytes) } });
    }),
  );
});

test("any count up to 2^53 - 1 comes back as it was", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (count) => {
      expect(readFrame(frames.ackFrame(count), MAX_DATA)).toEqual({ type: "ack", count });
      expect(readFrame(frames.reconnectFrame(count), MAX_DATA)).toEqual({ type: "reconnected", count });
    }),
  );
});

test("any bytes are a frame, ignored, or told why not; what is read is what would be written", () => {
  const tagged = fc.tuple(fc.constantFrom(0, 1, 2, 4, 7, 9), fc.uint8Array({ maxLength: 12 }));
  fc.assert(
    fc.property(tagged, ([tag, rest]) => {
      const frame = new Uint8Array([0, tag, ...rest]);
      const { frame: read } = said(frame);
      if (read !== undefined) expect(written(read)).toEqual(frame);
    }),
  );
});

test("both forms take a DATA up to their limit, and none of one byte more", () => {
  for (const limit of [MAX_DATA, MAX_SSH_DATA]) {
    expect(said(frames.dataFrame(new Uint8Array(limit)), limit).code).toBeUndefined();
    expect(said(frames.dataFrame(new Uint8Array(limit + 1)), limit)).toEqual({ code: 1009 });
  }
});

test("the payload that was read is a view of the frame, so that nobody pays for a copy", () => {
  const frame = frames.dataFrame(new Uint8Array([1, 2, 3]));
  const read = readFrame(frame, MAX_DATA);
  expect(read).toMatchObject({ type: "data" });
  if (read?.type === "data") expect(read.bytes.buffer).toBe(frame.buffer);
});

test("reads a frame that lies inside a larger buffer", () => {
  const buffer = new Uint8Array([9, 9, ...frames.ackFrame(7), 9]);
  expect(readFrame(buffer.subarray(2, 12), MAX_DATA)).toEqual({ type: "ack", count: 7 });
});

test("makes a DATA of bytes that already stand behind room for the header", () => {
  const buffer = new Uint8Array(10).fill(9);
  frames.writeDataHeader(buffer, 1, 3);
  expect(hexOf(buffer)).toBe("09000400000003090909");
});

test("says what was wrong with a frame", () => {
  expect(readFrame(bytesOf("0004 00000005 6162"), MAX_DATA)).toMatchObject({
    text: "DATA announces 5 bytes and has 2",
  });
  expect(readFrame(bytesOf("0007 00"), MAX_DATA)).toMatchObject({ text: "ACK has 10 bytes, this one 3" });
  expect(readFrame(bytesOf("0004 00000002 6162"), 1)).toMatchObject({ text: "DATA of 2 bytes, limit 1" });
});
