import { expect, test } from "bun:test";
import fc from "fast-check";
import { joinFrame } from "../../src/wire/binary-frame.ts";
import { decodeCommand } from "../../src/wire/commands.ts";
import { ERROR_CODES } from "../../src/wire/error-codes.ts";
import { isPattern } from "../../src/wire/topic.ts";
import { bytesOf, type FrameVector, frameOf, readVectors } from "../vectors.ts";

/** As in the file: a map stands as an object, bytes as hex digits. */
interface CommandVector extends FrameVector {
  readonly command?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly id?: number; readonly code: string; readonly says: string };
}

function decodedOf(command: Readonly<Record<string, unknown>>) {
  const { hex, ...fields } = command;
  const { topic, since } = fields;
  const isMap = since !== undefined && isPattern(String(topic));
  return {
    ...fields,
    ...(isMap && { since: new Map(Object.entries(Object(since))) }),
    ...(hex !== undefined && { data: bytesOf(String(hex)) }),
  };
}

for (const vector of readVectors<CommandVector>("commands")) {
  const { name, command, error } = vector;
  test(`${command === undefined ? "refuses" : "reads"} ${name}`, () => {
    const decoded = decodeCommand(frameOf(vector));
    if (command !== undefined) {
      expect(decoded).toEqual({ command: decodedOf(command) } as typeof decoded);
      return;
    }
    if (!("err" in decoded) || error === undefined) throw new Error(`read as ${JSON.stringify(decoded)}`);
    expect(decoded.id).toBe(error.id);
    expect(decoded.err.code).toBe(error.code as typeof decoded.err.code);
    expect(decoded.err.message).toContain(error.says);
  });
}

const positions = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`a.${n}`, { epoch: "x", offset: n }]));

test("a pattern goes on from at most 64 topics", () => {
  const sub = (count: number) =>
    decodeCommand(JSON.stringify({ t: "sub", id: 1, topic: "a.*", since: positions(count) }));
  expect(sub(64)).toMatchObject({ command: { since: { size: 64 } } });
  expect(sub(65)).toMatchObject({
    id: 1,
    err: { code: "bad_request", message: expect.stringContaining("at most 64 topics, received 65") },
  });
});

test("a token is not repeated, whatever it is wrapped in", () => {
  for (const token of [["s3cret"], { s3cret: 1 }, 53])
    expect(JSON.stringify(decodeCommand(JSON.stringify({ t: "auth", token })))).not.toMatch(/s3cret|53/);
});

test("a session is not repeated, whatever it is wrapped in", () => {
  for (const session of ["s3cret!", ["s3cret"], { s3cret: 1 }, 53]) {
    const join = { t: "join", group: "g", role: "center", session };
    expect(JSON.stringify(decodeCommand(JSON.stringify(join)))).not.toMatch(/s3cret|received.*53/);
  }
});

test("a frame of brackets is refused before it is parsed", () => {
  expect(decodeCommand(`{"t":"pub","data":${"[".repeat(1_000_000)}`)).toMatchObject({
    err: { message: "JSON nested too deep: expected at most 32 levels" },
  });
});

test("what stands in a header does not change the prototype of anything", () => {
  decodeCommand('{"t":"pub","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"data":1}');
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
});

/** Fields with values that fit and values that do not, in any mixture. */
const field = fc.oneof(
  fc.constantFrom("t", "id", "topic", "since", "before", "last", "presence", "data", "key", "idem", "age"),
  fc.constantFrom("limit", "after", "token", "__proto__"),
  fc.constantFrom("group", "role", "info", "session", "upto", "done", "ttl"),
);
const value = fc.oneof(
  fc.constantFrom("sub", "unsub", "pub", "who", "history", "auth", "ping", "msg", "a", "a.*", "a b"),
  fc.constantFrom("join", "send", "ack", "leave", "center", "local"),
  fc.constantFrom(1, 0, -1, 1.5, 2 ** 53, true, null, { epoch: "x", offset: 1 }, {}, { a: 1 }),
  fc.jsonValue({ maxDepth: 2 }),
);
const object = fc.array(fc.tuple(field, value)).map((fields) => {
  return `{"t":"pub"${fields.map(([name, any]) => `,${JSON.stringify(name)}:${JSON.stringify(any)}`).join("")}}`;
});

function expectSense(frame: string | Uint8Array): void {
  const decoded = decodeCommand(frame);
  if ("command" in decoded) {
    expect(decoded.command.t).toBeString();
    return;
  }
  expect(Object.keys(ERROR_CODES)).toContain(decoded.err.code);
  expect(decoded.err.message).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
  expect(decoded.err.message.length).toBeLessThan(1000);
}

test("any text is a command or an error, and the error is fit to print", () => {
  const text = fc.oneof(object, fc.string({ unit: "binary" }), fc.json());
  fc.assert(fc.property(text, expectSense), { numRuns: 2000 });
});

test("any bytes are a command or an error, and the error is fit to print", () => {
  const frame = fc.tuple(object, fc.uint8Array()).map(([header, payload]) => joinFrame(header, payload));
  fc.assert(fc.property(fc.oneof(frame, fc.uint8Array()), expectSense), { numRuns: 1000 });
});

test("any JSON that is published is the JSON that is kept", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (data) => {
      const decoded = decodeCommand(JSON.stringify({ t: "pub", data }));
      if (!("command" in decoded) || decoded.command.t !== "pub") throw new Error(JSON.stringify(decoded));
      const kept = decoded.command;
      const read = kept.json ? JSON.parse(String(kept.data)) : kept.data;
      expect(read).toEqual(JSON.parse(JSON.stringify(data)));
    }),
  );
});
