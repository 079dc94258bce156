/** How streams end: half-closes, broken targets, clients that leave for good. */
import { describe, expect, test } from "bun:test";
import { RESET } from "../pipe-house.ts";
import { streamHouse } from "./stream-house.ts";

describe("the client's half-close", () => {
  test("is passed on as FIN behind the last byte, counts 1 and is acknowledged at once", async () => {
    const house = streamHouse();
    const { client, upstream } = house.open();
    client.data("hello");
    client.halfClose();
    expect([upstream.written, upstream.calls, client.hear().ack]).toEqual(["hello", ["shutdown"], 6]);
    upstream.say("answer");
    expect([client.hear().bytes, client.code]).toEqual(["answer", undefined]);
  });

  test("waits for bytes that the target has not taken", async () => {
    const house = streamHouse();
    const { client, upstream } = house.open(null, 2);
    client.data("hello");
    client.halfClose();
    expect([upstream.calls, client.hear().ack]).toEqual([[], undefined]);
    upstream.makeRoom(100);
    expect([upstream.calls, client.hear().ack]).toEqual([["shutdown"], 6]);
  });

  test("is said again after a resume if it was not passed on", () => {
    const house = streamHouse();
    const { client, upstream, sid } = house.open(null, 2);
    client.data("hello");
    client.halfClose();
    const again = house.resume(sid, 0);
    expect(again.hear().reconnected).toBe(2);
    upstream.makeRoom(100);
    expect(upstream.calls).toEqual([]);
    again.data("llo");
    again.halfClose();
    expect([upstream.written, upstream.calls, again.hear().ack]).toEqual(["hello", ["shutdown"], 6]);
  });

  test("is not said again after a resume if it was", () => {
    const house = streamHouse();
    const { client, sid, upstream } = house.open();
    client.halfClose();
    const again = house.resume(sid, 0);
    expect([again.hear().reconnected, upstream.calls]).toEqual([1, ["shutdown"]]);
  });

  test("is not counted if what was said before it could not be passed on", async () => {
    const house = streamHouse();
    const { client, upstream, sid } = house.open();
    upstream.refuse();
    client.data("hello");
    await house.turn();
    client.halfClose();
    expect([upstream.calls, client.hear().ack]).toEqual([[], undefined]);
    expect(house.resume(sid, 0).hear().reconnected).toBe(0);
  });

  test.each([
    ["more DATA", "x"],
    ["another one", ""],
  ])("followed by %s closes with 1002", (_, text) => {
    const { client } = streamHouse().open();
    client.halfClose();
    client.data(text);
    expect(client.code).toBe(1002);
  });
});

describe("the target's FIN", () => {
  test("is an empty DATA behind the last byte, counts 1, and leaves the other direction open", async () => {
    const house = streamHouse();
    const { client, upstream } = house.open();
    upstream.say("bye");
    upstream.sayEnd();
    expect(client.hear()).toEqual({ bytes: "bye", halfClosed: true });
    client.ack(4);
    client.data("still here");
    await house.turn();
    house.clock.advance(60_000);
    expect([client.code, upstream.written]).toEqual([undefined, "still here"]);
  });

  test("is said again until it is acknowledged", () => {
    const house = streamHouse();
    const { upstream, sid } = house.open();
    upstream.say("bye");
    upstream.sayEnd();
    expect(house.resume(sid, 0).hear()).toMatchObject({ bytes: "bye", halfClosed: true });
    expect(house.resume(sid, 3).hear()).toMatchObject({ bytes: "", halfClosed: true });
    expect(house.resume(sid, 4).hear()).toMatchObject({ bytes: "", halfClosed: false });
    expect(house.resume(sid, 5).code).toBe(4510);
  });

  test("that came while nobody was there is told at the resume", () => {
    const house = streamHouse();
    const { client, upstream, sid } = house.open();
    client.connection.leave(1006);
    upstream.sayEnd();
    expect(house.resume(sid, 0).hear()).toMatchObject({ bytes: "", halfClosed: true });
  });
});

test("the runtime's one word for the target's FIN after ours is a half-close too", () => {
  const { client, upstream } = streamHouse().open();
  client.halfClose();
  upstream.say("bye");
  upstream.breakOff();
  expect([client.hear(), client.code]).toEqual([{ bytes: "bye", halfClosed: true, ack: 1 }, undefined]);
});

test("a finished stream waits for its client until that closes with 1000", () => {
  const house = streamHouse();
  const { client, upstream, sid } = house.open();
  client.halfClose();
  upstream.say("bye");
  upstream.sayEnd();
  upstream.breakOff();
  expect([client.code, house.gone.length]).toEqual([undefined, 1]);
  client.connection.leave(1006);
  const again = house.resume(sid, 0);
  expect(again.hear()).toEqual({ reconnected: 1, bytes: "bye", halfClosed: true });
  again.ack(4);
  again.connection.leave(1000);
  expect(house.streams.stats()).toEqual({ resumable: 0, parked: 0 });
  expect(house.resume(sid, 4).code).toBe(4510);
});

describe("a broken target", () => {
  test("is told with 1014 behind what it said", () => {
    const house = streamHouse();
    const { client, upstream } = house.open();
    client.connection.stall();
    upstream.say("last words");
    upstream.breakOff(RESET);
    expect(client.code).toBeUndefined();
    client.connection.catchUp();
    expect([client.hear().bytes, client.code]).toEqual(["last words", 1014]);
  });

  test("is told after a resume too, until the window ends", () => {
    const house = streamHouse();
    const { client, upstream, sid } = house.open();
    client.connection.leave(1006);
    upstream.say("last words");
    upstream.breakOff(RESET);
    for (const ack of [0, 5]) {
      const again = house.resume(sid, ack);
      expect([again.hear().bytes, again.code]).toEqual(["last words".slice(ack), 1014]);
    }
    house.clock.advance(60_000);
    expect(house.resume(sid, 10).code).toBe(4510);
  });

  test("that broke before its client was there is told behind CONNECT_SUCCESS", () => {
    const house = streamHouse();
    const { client, sid } = house.open(null, 0, (upstream) => upstream.breakOff());
    expect([sid.length, client.code]).toEqual([22, 1014]);
  });

  test("that takes no more is told when what it said last was read", async () => {
    const house = streamHouse();
    const { client, upstream } = house.open();
    upstream.refuse();
    client.data("hello");
    await house.turn();
    upstream.say("no more");
    house.clock.advance(1_000);
    expect(client.hear()).toEqual({ bytes: "no more", halfClosed: false });
    upstream.breakOff();
    expect(client.code).toBe(1014);
  });

  test("that lost bytes of the client is told, though it had ended in good order", async () => {
    const house = streamHouse();
    const { client, upstream } = house.open(null, 2);
    client.data("hello");
    await house.turn();
    upstream.sayEnd();
    upstream.breakOff();
    expect(client.code).toBe(1014);
  });
});

describe("the client's close 1000", () => {
  test("writes what was received, then FIN", () => {
    const house = streamHouse();
    const { client, upstream, sid } = house.open(null, 2);
    client.data("hello");
    upstream.makeRoom(2);
    client.connection.leave(1000);
    expect(house.streams.stats()).toEqual({ resumable: 0, parked: 0 });
    expect([upstream.written, upstream.calls]).toEqual(["he", ["shutdown"]]);
    expect(house.resume(sid, 0).code).toBe(4510);
  });
});
