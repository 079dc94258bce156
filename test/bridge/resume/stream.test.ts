import { describe, expect, test } from "bun:test";
import { ackFrame, MAX_DATA, WINDOW_BYTES } from "../../../src/wire/bridge-frames.ts";
import { streamHouse } from "./stream-house.ts";

describe("a new stream", () => {
  test("says its sid before anything of the target", () => {
    const house = streamHouse();
    const { client, upstream, sid } = house.open();
    expect(sid).toMatch(/^[\w-]{22}$/);
    upstream.say("hello");
    expect(client.hear()).toEqual({ bytes: "hello", halfClosed: false });
  });

  test("passes bytes on both ways, and acknowledges with the next visit what it has passed on", async () => {
    const house = streamHouse();
    const { client, upstream } = house.open();
    client.data("hel");
    client.data("lo");
    await house.turn();
    expect(upstream.written).toBe("hello");
    expect(client.hear().ack).toBeUndefined();
    house.clock.advance(500);
    expect(client.hear().ack).toBe(5);
  });

  test("acknowledges 64 KiB at once", async () => {
    const house = streamHouse();
    const { client } = house.open();
    client.data(new Uint8Array(MAX_DATA));
    await house.turn();
    expect(client.hear().ack).toBe(MAX_DATA);
  });

  test("acknowledges only what the target's kernel has taken", async () => {
    const house = streamHouse();
    const { client, upstream } = house.open(null, 3);
    client.data("hello");
    await house.turn();
    house.clock.advance(500);
    expect(client.hear().ack).toBe(3);
    upstream.makeRoom(100);
    house.clock.advance(500);
    expect([client.hear().ack, upstream.written]).toEqual([5, "hello"]);
  });

  test("repeats its ACK every 5 s when nothing happens", () => {
    const house = streamHouse();
    const { client } = house.open();
    house.clock.advance(4_750);
    expect(client.connection.take()).toHaveLength(0);
    for (let n = 0; n < 3; n += 1) {
      house.clock.advance(5_000);
      expect(client.connection.take()).toEqual([ackFrame(0)]);
    }
  });

  test("cuts what the target says into DATA frames", () => {
    const house = streamHouse();
    const { client, upstream } = house.open();
    const long = "x".repeat(MAX_DATA + 1);
    upstream.say(long);
    expect(client.connection.sent.map(({ length }) => length)).toEqual([MAX_DATA + 6, 7]);
    expect(client.hear().bytes).toBe(long);
  });
});

describe("what is under way without an ACK", () => {
  test("is at most 1 MiB towards the client; the target is not read while that much is kept", () => {
    const house = streamHouse();
    const { client, upstream } = house.open();
    const [first, second] = ["a".repeat(WINDOW_BYTES - 10), "b".repeat(500_000)];
    upstream.say(first);
    upstream.say(second);
    expect(upstream.isPaused).toBe(true);
    const early = client.hear().bytes;
    expect(early.length).toBeLessThanOrEqual(WINDOW_BYTES);
    client.ack(early.length);
    expect(upstream.isPaused).toBe(false);
    expect(early + client.hear().bytes).toBe(first + second);
  });

  test("closes a client with 1008 when it is more than 1 MiB, which the target did not take", () => {
    const house = streamHouse();
    const { client } = house.open(null, 0);
    for (let n = 0; n < 16; n += 1) client.data(new Uint8Array(MAX_DATA));
    expect(client.code).toBeUndefined();
    client.data("x");
    expect(client.code).toBe(1008);
  });

  test("never pauses the client's connection", async () => {
    const house = streamHouse();
    const { client } = house.open(null, 0);
    for (let n = 0; n < 16; n += 1) client.data(new Uint8Array(MAX_DATA));
    await house.turn();
    expect(client.connection.pauses).toBe(0);
  });

  test("waits here while the runtime holds something for the client", () => {
    const house = streamHouse();
    const { client, upstream } = house.open();
    client.connection.stall();
    upstream.say("one");
    upstream.say("two");
    expect(client.hear().bytes).toBe("one");
    client.connection.catchUp(1);
    expect(client.hear().bytes).toBe("");
    client.connection.catchUp();
    expect(client.hear().bytes).toBe("two");
  });
});

describe("a resume", () => {
  test("answers the count of what was passed on, and says again what the client has not got", async () => {
    const house = streamHouse();
    const { client, upstream, sid } = house.open();
    upstream.say("hello world");
    client.data("abc");
    await house.turn();
    client.connection.leave(1006);
    expect(house.streams.stats()).toMatchObject({ resumable: 1, parked: 1 });
    const again = house.resume(sid, 6);
    expect(again.hear()).toEqual({ reconnected: 3, bytes: "world", halfClosed: false });
    expect(house.streams.stats()).toMatchObject({ resumable: 1, parked: 0 });
    expect(house.counters.recoveries).toEqual({ recovered: 1, lost: 0 });
  });

  test("throws away what the target had not taken, so that the client says it again", async () => {
    const house = streamHouse();
    const { client, upstream, sid } = house.open(null, 3);
    client.data("hello");
    await house.turn();
    client.connection.leave(1006);
    const again = house.resume(sid, 0);
    expect(again.hear().reconnected).toBe(3);
    again.data("lo!");
    upstream.makeRoom(100);
    await house.turn();
    expect(upstream.written).toBe("hello!");
  });

  test("counts what was said just before it, and passes it on once", async () => {
    const house = streamHouse();
    const { client, upstream, sid } = house.open();
    client.data("hello");
    const again = house.resume(sid, 0);
    await house.turn();
    expect([again.hear().reconnected, upstream.written]).toEqual([5, "hello"]);
  });

  test("takes the stream from a connection that is still open, which gets 4590", () => {
    const house = streamHouse();
    const { client, upstream, sid } = house.open();
    const again = house.resume(sid, 0);
    expect(client.code).toBe(4590);
    expect(house.streams.stats()).toMatchObject({ resumable: 1, parked: 0 });
    upstream.say("hello");
    expect([client.hear().bytes, again.hear().bytes]).toEqual(["", "hello"]);
  });

  test("goes on where the runtime held something for the older connection", () => {
    const house = streamHouse();
    const { client, upstream, sid } = house.open();
    client.connection.stall();
    upstream.say("one");
    upstream.say("two");
    const again = house.resume(sid, 0);
    expect(again.hear().bytes).toBe("onetwo");
  });

  test("believes an ACK of what an older connection brought, before it has said it again", () => {
    const house = streamHouse();
    const { client, upstream, sid } = house.open();
    upstream.say("x".repeat(MAX_DATA));
    upstream.say("hello world");
    client.connection.leave(1006);
    const again = house.resume(sid, 0, { before: (connection) => connection.stall() });
    expect(again.hear().bytes).toHaveLength(MAX_DATA);
    again.ack(MAX_DATA + 6);
    again.connection.catchUp();
    expect([again.hear().bytes, again.code]).toEqual(["world", undefined]);
  });

  test("brings what came while nobody was there, at most as much as is kept", () => {
    const house = streamHouse({ buffer: 10 });
    const { client, upstream, sid } = house.open();
    client.connection.leave(1001);
    upstream.say("0123456");
    expect(upstream.isPaused).toBe(false);
    upstream.say("789");
    expect(upstream.isPaused).toBe(true);
    const again = house.resume(sid, 0);
    expect(again.hear().bytes).toBe("0123456789");
    again.ack(10);
    expect(upstream.isPaused).toBe(false);
  });
});
