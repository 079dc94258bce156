import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { splitFrame } from "../../src/wire/binary-frame.ts";
import type { Role } from "../../src/wire/envelope.ts";
import * as frames from "../../src/wire/frames.ts";
import type {
  Gap,
  Member,
  Payload,
  PeerState,
  PlacedMessage,
  ReceiptState,
  Welcome,
  WireError,
} from "../../src/wire/v1.ts";
import { bytesOf, type FrameVector, frameOf, readVectors } from "../vectors.ts";

/** Beside the frame, what it is written from: one of these. Binary data stands as `{ hex }`. */
interface Written extends FrameVector {
  readonly welcome?: Welcome;
  readonly ok?: { readonly id: number; readonly fields: Readonly<Record<string, unknown>> };
  readonly published?: { readonly id: number; readonly topic: string; epoch: string; offset: number };
  readonly history?: { readonly id: number; readonly page: frames.Page };
  readonly error?: WireError & { readonly id?: number };
  readonly message?: PlacedMessage;
  readonly echo?: Payload & { readonly size: number; readonly time: number };
  readonly gap?: Gap;
  readonly presence?: {
    kind: "join" | "leave";
    topic: string;
    conn: string;
    user: string | null;
    total: number;
  };
  readonly count?: { readonly topic: string; readonly total: number };
  readonly expiring?: { readonly at: number };
  readonly drain?: { readonly within: number; readonly retry: number };
  readonly data?: Payload & { readonly seq: number; readonly from: Role; readonly type?: string };
  readonly receipt?: { readonly seq: number; readonly idem: string; readonly state: ReceiptState };
  readonly peer?: {
    readonly role: Role;
    readonly state: PeerState;
    readonly reason: string;
    readonly info?: string;
  };
}

function withBytes<T extends Payload>(payload: T): T {
  const data: unknown = payload.data;
  return typeof data === "string" ? payload : { ...payload, data: bytesOf(Object(data).hex) };
}

function written(from: Written): frames.Frame | undefined {
  const { welcome, ok, published, history, error, message, echo, gap, presence, count, expiring, drain } =
    from;
  if (welcome) return frames.welcomeFrame(welcome);
  if (ok) return frames.answerFrame(ok.id, { ok: ok.fields });
  if (published) return frames.answerFrame(published.id, { published });
  if (history) {
    const messages = history.page.messages.map(withBytes);
    return frames.answerFrame(history.id, { okText: frames.historyFields({ ...history.page, messages }) });
  }
  if (error !== undefined && error.id !== undefined) return frames.answerFrame(error.id, { err: error });
  if (error) return frames.errorFrame(undefined, error);
  if (message) return frames.messageFrame(withBytes(message));
  if (echo) return frames.echoFrame(withBytes(echo), echo.size, echo.time);
  if (gap) return frames.gapFrame(gap);
  if (presence) {
    const { kind, topic, conn, user, total } = presence;
    return frames.presenceFrame(kind, topic, conn, user, total);
  }
  if (count) return frames.countFrame(count.topic, count.total);
  if (expiring) return frames.expiringFrame(expiring.at);
  if (drain) return frames.drainFrame(drain.within, drain.retry);
  return relayed(from);
}

function relayed({ data, receipt, peer }: Written): frames.Frame | undefined {
  if (data) return frames.dataFrame(data.seq, data.from, withBytes(data), data.type);
  if (receipt) return frames.receiptFrame(receipt.seq, receipt.idem, receipt.state);
  return peer && frames.peerFrame(peer.role, peer.state, peer.reason, peer.info);
}

describe("a page of members", () => {
  const member = (n: number, info: unknown) => ({ conn: `c${n}`, user: null, since: 1, info });
  const read = (members: readonly Member[], complete = true) =>
    JSON.parse(`{${frames.whoFields({ members, total: members.length, complete })}}`);

  test("has all of them, where they are few", () => {
    const members = [member(1, { face: "é" }), member(2, null)];
    expect(read(members)).toEqual({ members, total: 2, complete: true });
    expect(read(members, false)).toEqual({ members, total: 2, complete: false });
    expect(read([])).toEqual({ members: [], total: 0, complete: true });
  });

  test("ends early where they tell much, and says so", () => {
    const members = Array.from({ length: 1_000 }, (_, n) => member(n, "x".repeat(1_022)));
    const page = read(members);
    expect(page.members).toEqual(members.slice(0, page.members.length));
    expect(page.members.length).toBeWithin(200, 256);
    expect(page).toMatchObject({ total: 1_000, complete: false });
  });

  test("has one at least, whatever that tells", () => {
    const members = [member(1, "x".repeat(300_000)), member(2, null)];
    expect(read(members)).toMatchObject({ members: members.slice(0, 1), complete: false });
    expect(read(members.slice(0, 1))).toMatchObject({ complete: true });
  });
});

describe("writes", () => {
  for (const vector of readVectors<Written>("frames")) {
    test(vector.name, () => {
      const frame = written(vector);
      if (vector.frame === undefined) expect(frame).toEqual(frameOf(vector));
      else expect(JSON.parse(String(frame))).toEqual(vector.frame);
    });
  }
});

const text = fc.string({ unit: "binary", maxLength: 20 });
const optional = fc.option(text, { nil: undefined });
const payload = fc.oneof(
  text.map((data) => ({ data, json: false })),
  fc.jsonValue({ maxDepth: 2 }).map((value) => ({ data: JSON.stringify(value), json: true })),
  fc.uint8Array().map((data) => ({ data, json: false })),
);
const message: fc.Arbitrary<PlacedMessage> = fc
  .record({
    topic: text,
    epoch: fc.constantFrom("x1", "A_-9"),
    offset: fc.integer({ min: 1, max: 3 }),
    time: fc.maxSafeNat(),
    conn: optional,
    user: optional,
    key: optional,
  })
  .chain((place) => payload.map((data) => ({ ...place, ...data })));

/** What a reader makes of a payload. */
const read = ({ data, json }: Payload) => (json ? JSON.parse(String(data)) : data);

/** Fields that are undefined are not there, and a frame that is binary has its data behind it. */
function parsed(frame: frames.Frame): Record<string, unknown> {
  if (typeof frame === "string") return JSON.parse(frame);
  const split = splitFrame(frame);
  if (typeof split === "string") throw new Error(split);
  return { ...JSON.parse(split.header), data: split.payload };
}

test("any message is read as it was, with its epoch if it is the first", () => {
  fc.assert(
    fc.property(message, (any) => {
      const { json: _, epoch, ...rest } = any;
      const expected = { t: "msg", ...rest, ...(any.offset === 1 && { epoch }), data: read(any) };
      expect(parsed(frames.messageFrame(any))).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

test("any relayed message is read as it was, bytes behind the header", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), optional, payload, (seq, type, any) => {
      const frame = parsed(frames.dataFrame(seq, "center", any, type));
      const expected = { t: "data", seq, from: "center", type, data: read(any) };
      expect(frame).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

test("any message is the same in a page of history, bytes as base64", () => {
  fc.assert(
    fc.property(message, (any) => {
      const { json: _, epoch: __, topic: ___, data, ...rest } = any;
      const value = typeof data === "string" ? { data: read(any) } : { base64: data.toBase64() };
      expect(JSON.parse(frames.entryText(any))).toEqual({ ...rest, ...value });
    }),
    { numRuns: 500 },
  );
});

test("any page is one object of JSON", () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 3 }), (messages) => {
      const page = { messages, epoch: "x", offset: 9, more: false, complete: true };
      const history = frames.answerFrame(1, { okText: frames.historyFields(page) });
      expect(JSON.parse(history).messages).toHaveLength(messages.length);
    }),
  );
});
