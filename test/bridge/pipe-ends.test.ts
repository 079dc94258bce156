import { describe, expect, test } from "bun:test";
import { createLineUnframer, createTextUnframer } from "../../src/wire/framing.ts";
import { code, heard, joined, RESET } from "./pipe-house.ts";

const LINGER_MS = 5_000;

describe("when the target ends with FIN", () => {
  test("the client may go on, and gets 1000 once it has said nothing for halfCloseTimeout", () => {
    const { client, clock, upstream, say } = joined();
    upstream.say("last");
    upstream.sayEnd();
    expect([heard(client), client.isOpen]).toEqual(["last", true]);
    for (let i = 0; i < 5; i += 1) {
      clock.advance(900);
      say("x");
    }
    expect([client.isOpen, upstream.written]).toEqual([true, "xxxxx"]);
    clock.advance(2_000);
    expect(client.ended).toEqual({ code: 1000, reason: "the target has ended", local: true });
    expect(upstream.calls).toEqual(["shutdown"]);
  });

  test("the client is never closed before it was silent for the whole time", () => {
    const { client, clock, upstream, say } = joined();
    upstream.sayEnd();
    clock.advance(999);
    say("x");
    clock.advance(999);
    expect(client.isOpen).toBe(true);
  });

  test("a client that has not read everything is not closed, and then has the whole time to answer", () => {
    const { client, clock, upstream } = joined();
    client.stall();
    upstream.say("much");
    upstream.sayEnd();
    clock.advance(10_500);
    client.catchUp();
    clock.advance(999);
    expect(client.isOpen).toBe(true);
    clock.advance(1_001);
    expect(code(client)).toBe(1000);
  });

  test("a target that has not taken everything keeps the client open, and for the whole time after it has", () => {
    const { client, clock, upstream, say } = joined({ room: 1 });
    upstream.sayEnd();
    say("abc");
    clock.advance(10_500);
    upstream.makeRoom(100);
    clock.advance(999);
    expect(client.isOpen).toBe(true);
    clock.advance(1_001);
    expect([code(client), upstream.written]).toEqual([1000, "abc"]);
  });

  test("the client stays until it closes if halfCloseTimeout is 0", () => {
    const { client, clock, upstream } = joined({ halfCloseTimeout: 0 });
    upstream.sayEnd();
    clock.advance(1_000_000);
    expect([client.isOpen, clock.pending]).toEqual([true, 0]);
  });

  test("an unfinished last line is delivered", () => {
    const { client, upstream } = joined({ unframer: createLineUnframer(0) });
    upstream.say("one\ntw");
    upstream.sayEnd();
    expect(client.take()).toEqual(["one", "tw"]);
  });

  test("and is gone for good before the client has read everything, the client gets it all and then 1000", () => {
    const { client, upstream, clock } = joined();
    client.stall();
    upstream.say("much");
    upstream.sayEnd();
    upstream.breakOff();
    expect(client.isOpen).toBe(true);
    client.catchUp();
    expect([heard(client), code(client), clock.pending]).toEqual(["much", 1000, 0]);
  });
});

describe("when the target breaks", () => {
  test("the client gets what was read, then 1014", () => {
    const { client, upstream } = joined();
    client.stall();
    upstream.say("last");
    upstream.breakOff(RESET);
    expect(client.isOpen).toBe(true);
    client.catchUp(1);
    expect(client.isOpen).toBe(true);
    client.catchUp();
    expect(client.ended).toEqual({ code: 1014, reason: "the target broke the connection", local: true });
    expect(heard(client)).toBe("last");
  });

  test("the client gets the unfinished line and the unfinished character too", () => {
    const lines = joined({ unframer: createLineUnframer(0) });
    lines.upstream.say("one\ntw");
    lines.upstream.breakOff(RESET);
    expect([lines.client.take(), code(lines.client)]).toEqual([["one", "tw"], 1014]);
    const text = joined({ unframer: createTextUnframer() });
    text.upstream.say(Uint8Array.of(0x61, 0xe2));
    text.upstream.breakOff(RESET);
    expect(text.client.take()).toEqual(["a", "\uFFFD"]);
  });

  test("without an error and without FIN it counts as broken", () => {
    const { client, upstream } = joined();
    upstream.breakOff();
    expect(code(client)).toBe(1014);
  });

  test("with an error after its FIN it counts as broken", () => {
    const { client, upstream } = joined();
    upstream.sayEnd();
    upstream.breakOff(RESET);
    expect(code(client)).toBe(1014);
  });

  test("everything is given up once, however often the runtime tells it", () => {
    const house = joined({ room: 1 });
    house.say("abc");
    house.upstream.sayEnd();
    for (let i = 0; i < 3; i += 1) house.upstream.breakOff(RESET);
    expect([house.ends, house.clock.pending, code(house.client)]).toEqual([1, 0, 1014]);
  });

  test("while we write, what it said before is still read, and then the client gets 1014", () => {
    const { client, upstream, say } = joined();
    upstream.refuse();
    say("nobody takes this");
    expect([client.isOpen, client.isPaused, upstream.calls]).toEqual([true, true, []]);
    upstream.say("goodbye");
    upstream.sayEnd();
    upstream.breakOff();
    expect([heard(client), code(client)]).toEqual(["goodbye", 1014]);
  });

  test("while the rest is written, the rest is given up and nothing waits for it", () => {
    const { client, clock, upstream, say } = joined({ room: 1 });
    say("abc");
    upstream.refuse();
    upstream.drain();
    expect([clock.pending, client.isPaused]).toEqual([0, true]);
    upstream.sayEnd();
    upstream.breakOff();
    expect(code(client)).toBe(1014);
  });
});

describe("when the client goes", () => {
  test("the target gets what it said, then FIN", () => {
    const { client, upstream } = joined();
    client.say("last");
    client.leave();
    expect([upstream.written, upstream.calls]).toEqual(["last", ["shutdown"]]);
  });

  test("a slow target gets everything first, then FIN", () => {
    const { client, upstream, say } = joined({ room: 1 });
    say("abc");
    client.leave();
    expect([upstream.written, upstream.calls]).toEqual(["a", []]);
    upstream.makeRoom(1);
    expect(upstream.calls).toEqual([]);
    upstream.makeRoom(1);
    expect([upstream.written, upstream.calls]).toEqual(["abc", ["shutdown"]]);
  });

  test("what the target still says is read and goes nowhere, so that its end is seen", () => {
    const { client, upstream, clock } = joined();
    client.stall();
    upstream.say("x".repeat(101));
    client.leave();
    expect(upstream.isPaused).toBe(false);
    upstream.say("more");
    upstream.sayEnd();
    upstream.breakOff();
    expect(clock.pending).toBe(0);
  });

  test("a target that does not end is closed after a while, without throwing away what it has not read yet", () => {
    const { client, clock, upstream } = joined();
    client.leave();
    clock.advance(LINGER_MS - 1);
    upstream.say("for ever");
    expect(upstream.calls).toEqual(["shutdown"]);
    clock.advance(1);
    expect(upstream.calls).toEqual(["shutdown", "end"]);
    expect(clock.pending).toBe(0);
  });

  test("FIN is sent once, whatever drains come after it", () => {
    const { client, upstream } = joined();
    client.leave();
    upstream.drain();
    upstream.drain();
    expect(upstream.calls).toEqual(["shutdown"]);
  });

  test.each([
    [300_000, 60_000],
    [0, 60_000],
    [5_000, 5_000],
  ])("a target that takes nothing is cut, where stallTimeout is %p after %p ms", (stallTimeout, ms) => {
    const { client, clock, upstream, say } = joined({ room: 1, stallTimeout });
    say("abc");
    clock.advance(4_000);
    client.leave();
    clock.advance(ms - 1);
    expect(upstream.calls).toEqual([]);
    clock.advance(1);
    expect([upstream.calls, clock.pending]).toEqual([["terminate"], 0]);
  });

  test("a target that takes a little now and then is given all of it", () => {
    const { client, clock, upstream, say } = joined({ room: 1, stallTimeout: 0 });
    say("abcd");
    client.leave();
    for (let n = 0; n < 3; n += 1) {
      clock.advance(59_000);
      upstream.makeRoom(1);
    }
    expect([upstream.written, upstream.calls]).toEqual(["abcd", ["shutdown"]]);
  });

  test("a target that refuses the rest is closed all the same", () => {
    const { client, clock, upstream, say } = joined({ room: 1 });
    say("abc");
    client.leave();
    upstream.refuse();
    upstream.drain();
    clock.advance(LINGER_MS);
    expect([upstream.calls, clock.pending]).toEqual([["shutdown", "end"], 0]);
  });

  test("while the target's end is awaited in silence, no timer is left", () => {
    const { client, clock, upstream } = joined();
    upstream.sayEnd();
    client.leave();
    expect(clock.pending).toBe(1); // which waits for the target, not for the client's silence
    upstream.breakOff();
    expect(clock.pending).toBe(0);
  });
});
