import { describe, expect, test } from "bun:test";
import { createLineUnframer } from "../../src/wire/framing.ts";
import { code, joined, RESET } from "./pipe-house.ts";

describe("when the gateway stops", () => {
  const RESTART = [1012, "service restart"] as const;

  test("it hands over what it holds both ways, reads nothing more, then closes with 1012", () => {
    const { client, pipe, upstream, say } = joined({ room: 1 });
    say("abc");
    client.stall();
    upstream.say("down");
    pipe.finish(...RESTART);
    expect([client.isOpen, client.isPaused, upstream.isPaused]).toEqual([true, true, true]);
    client.catchUp();
    expect([client.isOpen, client.isPaused, upstream.isPaused]).toEqual([true, true, true]);
    upstream.makeRoom(100);
    expect([code(client), upstream.written, upstream.calls]).toEqual([1012, "abc", ["shutdown"]]);
  });

  test("it does not read from a client that still has to read itself", () => {
    const { client, pipe, upstream } = joined();
    client.stall();
    upstream.say("down");
    pipe.finish(...RESTART);
    expect([client.isOpen, client.isPaused]).toEqual([true, true]);
  });

  test("it waits for the client when the target has everything already", () => {
    const { client, pipe, upstream, say } = joined({ room: 1 });
    say("abc");
    client.stall();
    upstream.say("down");
    pipe.finish(...RESTART);
    upstream.makeRoom(100);
    expect([client.isOpen, client.isPaused]).toEqual([true, true]);
    client.catchUp();
    expect(code(client)).toBe(1012);
  });

  test("it takes what one turn has brought with it", () => {
    const { client, pipe, upstream } = joined();
    client.say("abc");
    pipe.finish(...RESTART);
    expect([upstream.written, code(client)]).toEqual(["abc", 1012]);
  });

  test("it waits also for what one turn has brought, if the target does not take it at once", () => {
    const { client, pipe, upstream } = joined({ room: 1 });
    client.say("abc");
    pipe.finish(...RESTART);
    expect([upstream.written, client.isOpen]).toEqual(["a", true]);
    upstream.makeRoom(100);
    expect([upstream.written, code(client)]).toEqual(["abc", 1012]);
  });

  test("it delivers an unfinished line, which nobody could complete any more", () => {
    const { client, pipe, upstream } = joined({ unframer: createLineUnframer(0) });
    upstream.say("tw");
    pipe.finish(...RESTART);
    expect([client.take(), code(client)]).toEqual([["tw"], 1012]);
  });

  test("a client that waits for its 1014 or 1000 gets that, not 1012", () => {
    const { client, pipe, upstream } = joined();
    client.stall();
    upstream.say("last");
    upstream.breakOff(RESET);
    pipe.finish(...RESTART);
    client.catchUp();
    expect(code(client)).toBe(1014);
  });

  test("a client whose bytes nobody takes any more gets 1014, not 1012", () => {
    const { client, pipe, upstream, say } = joined({ room: 1 });
    say("abc");
    pipe.finish(...RESTART);
    upstream.breakOff(RESET);
    expect(code(client)).toBe(1014);
  });

  test("a client whose bytes were refused before gets 1014, and need not wait for the target's end", () => {
    const { client, pipe, upstream, say } = joined();
    upstream.refuse();
    say("abc");
    pipe.finish(...RESTART);
    expect(code(client)).toBe(1014);
  });

  test("a client whose bytes are refused meanwhile gets 1014, and need not wait for the target's end", () => {
    const { client, pipe, upstream, say } = joined({ room: 1 });
    say("abc");
    pipe.finish(...RESTART);
    upstream.refuse();
    upstream.drain();
    expect(code(client)).toBe(1014);
  });
});
