import { describe, expect, test } from "bun:test";
import { createLineUnframer, createTextUnframer } from "../../src/wire/framing.ts";
import { code, heard, joined, pipeHouse, RESET } from "./pipe-house.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("a pipe", () => {
  test("does not read from the target before the client is there", () => {
    const house = pipeHouse();
    expect(house.upstream.isPaused).toBe(true);
    house.open();
    expect(house.upstream.isPaused).toBe(false);
  });

  test("carries bytes both ways, those of one turn to the target in one write", async () => {
    const { client, upstream } = joined();
    client.say("a");
    client.say("b");
    upstream.say("down");
    expect([upstream.written, heard(client)]).toEqual(["", "down"]);
    await nextTurn();
    expect(upstream.written).toBe("ab");
  });

  test("closes a client with 1014 whose target broke before the client was there", () => {
    const house = pipeHouse();
    house.upstream.breakOff(RESET);
    expect(code(house.open())).toBe(1014);
    expect(house.ends).toBe(1);
  });

  test("is still open for the client if the runtime says drain before the client is there", () => {
    const house = pipeHouse();
    house.upstream.drain();
    const client = house.open();
    expect(house.upstream.calls).toEqual([]);
    client.say("a");
    house.stage.flush(house.pipe);
    expect(house.upstream.written).toBe("a");
  });
});

describe("the memory of what the target said", () => {
  const LARGE = 64 * 1024;

  test("is given back as soon as it was sent, if it is large and its own", () => {
    const { client, pipe } = joined();
    const chunk = Buffer.from(new ArrayBuffer(LARGE));
    pipe.data(chunk);
    expect([client.sent.length, chunk.length]).toEqual([1, 0]);
  });

  test("is left alone if it is small, or a part of what serves others too", () => {
    const { pipe } = joined();
    const small = Buffer.from(new ArrayBuffer(LARGE - 1));
    const shared = new ArrayBuffer(2 * LARGE);
    for (const chunk of [small, Buffer.from(shared, 0, LARGE), Buffer.from(shared, LARGE)]) {
      const { length } = chunk;
      pipe.data(chunk);
      expect(chunk.length).toBe(length);
    }
  });
});

describe("a slow client", () => {
  test("pauses the target past highWater, and lets it go on at half of it", () => {
    const { client, upstream } = joined();
    client.stall();
    upstream.say("x".repeat(100));
    expect(upstream.isPaused).toBe(false);
    upstream.say("x");
    expect(upstream.isPaused).toBe(true);
    client.catchUp(51);
    expect(upstream.isPaused).toBe(true);
    client.catchUp(50);
    expect(upstream.isPaused).toBe(false);
  });

  test("never pauses the target if highWater is 0", () => {
    const { client, upstream } = joined({ highWater: 0 });
    client.stall();
    upstream.say("x".repeat(1_000));
    expect(upstream.isPaused).toBe(false);
  });

  test("pauses the target also if bytes become text", () => {
    const { client, upstream } = joined({ unframer: createTextUnframer() });
    client.stall();
    upstream.say("x".repeat(101));
    expect(upstream.isPaused).toBe(true);
  });
});

describe("a slow target", () => {
  test("pauses the client, and gets the rest in order before the client goes on", () => {
    const { client, upstream, say } = joined({ room: 3 });
    say("abcdef");
    expect([client.isPaused, upstream.written]).toEqual([true, "abc"]);
    say("ghi");
    upstream.makeRoom(2);
    expect([client.isPaused, upstream.written]).toEqual([true, "abcde"]);
    upstream.makeRoom(100);
    expect([client.isPaused, upstream.written]).toEqual([false, "abcdefghi"]);
  });

  test("keeps its rest when the stage is used again meanwhile", () => {
    const { client, upstream, stage, say } = joined({ room: 1 });
    say("abc");
    const other = { write: () => {} };
    stage.add(other, bytes("zzz"));
    stage.flush(other);
    upstream.makeRoom(100);
    expect([client.isPaused, upstream.written]).toEqual([false, "abc"]);
  });

  test("costs the client its connection with 1013 if it takes nothing for stallTimeout", () => {
    const { client, clock, upstream, say } = joined({ room: 1 });
    say("abc");
    clock.advance(59_999);
    expect(client.isOpen).toBe(true);
    clock.advance(1);
    expect([code(client), upstream.calls]).toEqual([1013, ["terminate"]]);
    expect(clock.pending).toBe(0);
  });

  test("does not if it takes a byte now and then, nor once it has taken all", () => {
    const { client, clock, upstream, say } = joined({ room: 1 });
    say("abcd");
    for (let i = 0; i < 2; i += 1) {
      clock.advance(50_000);
      upstream.makeRoom(1);
    }
    expect(client.isOpen).toBe(true);
    upstream.makeRoom(100);
    clock.advance(1_000_000);
    expect([client.isOpen, clock.pending]).toEqual([true, 0]);
  });

  test("is not saved by a drain that takes nothing", () => {
    const { client, clock, upstream, say } = joined({ room: 1 });
    say("abc");
    clock.advance(50_000);
    upstream.drain();
    clock.advance(10_000);
    expect(code(client)).toBe(1013);
  });

  test("may take however long if stallTimeout is 0", () => {
    const { client, clock, say } = joined({ room: 1, stallTimeout: 0 });
    say("abc");
    clock.advance(100_000_000);
    expect([client.isOpen, clock.pending]).toEqual([true, 0]);
  });
});

describe("a line of the target over maxLine", () => {
  test("closes with 1009 after the lines before it, also for a client that reads slowly", () => {
    const { client, upstream } = joined({ unframer: createLineUnframer(3) });
    client.stall();
    upstream.say("one\nlong line");
    expect([client.isOpen, upstream.isPaused]).toEqual([true, true]);
    client.catchUp();
    expect([client.take(), code(client), upstream.calls]).toEqual([["one"], 1009, ["shutdown"]]);
  });
});
