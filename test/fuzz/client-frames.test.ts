/** What is written as frames is read as the same messages, and nothing behind a broken rule is. */
import { expect, test } from "bun:test";
import { OPCODE } from "../raw-client.ts";
import { chanceOf } from "./chance.ts";
import { encode, frameOf, framesOf, type Message, messagesIn, readFrames, text } from "./client-frames.ts";

test("reads the messages that were written, whole or in fragments, with pings between them", () => {
  for (let n = 0; n < 60; n += 1) {
    const chance = chanceOf(1, "frames", n);
    const sent = chance.some(1, 5, (): Message => {
      return { isText: chance.is(0.5), payload: chance.bytes(chance.pick([0, 1, 125, 126, 65_535, 65_536])) };
    });
    const frames = sent.flatMap((message) => [
      ...framesOf(chance, message),
      frameOf(chance, OPCODE.ping, Buffer.from("p")),
    ]);
    const read = readFrames(Buffer.concat(frames.map(encode)));
    expect(read).toEqual(frames.map((frame) => ({ ...frame, payload: Buffer.from(frame.payload) })));
    expect(messagesIn(read)).toEqual(sent);
  }
});

test("stops at the first frame that breaks a rule, and at one that is not whole", () => {
  const chance = chanceOf(1, "broken", 0);
  const good = frameOf(chance, OPCODE.text, Buffer.from("a"));
  for (const change of [{ rsv: 1 }, { mask: undefined }, { opcode: 3 }, { opcode: OPCODE.continuation }]) {
    expect(messagesIn([good, { ...good, ...change }, good])).toEqual([text("a")]);
  }
  expect(messagesIn([good, frameOf(chance, OPCODE.ping, Buffer.alloc(126)), good])).toEqual([text("a")]);
  expect(messagesIn([{ ...good, fin: false }, good])).toEqual([]);
  expect(readFrames(encode(good).subarray(0, -1))).toEqual([]);
  expect(readFrames(encode({ ...good, announced: 2n ** 64n - 1n }))).toEqual([]);
});
