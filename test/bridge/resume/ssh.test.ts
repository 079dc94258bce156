/** Streams in the SSH relay form: smaller frames, no half-close, and a client that is paused, so that one side has to give way. */
import { describe, expect, test } from "bun:test";
import { SSH_FORM } from "../../../src/bridge/resume/stream-form.ts";
import { MAX_SSH_DATA } from "../../../src/wire/bridge-frames.ts";
import { RESET } from "../pipe-house.ts";
import { type HouseOptions, streamHouse } from "./stream-house.ts";

const sshHouse = (options: HouseOptions = {}) => streamHouse({ ...options, form: SSH_FORM });

test("cuts what the target says into DATA of 16 KiB", () => {
  const { client, upstream } = sshHouse().open();
  upstream.say("x".repeat(MAX_SSH_DATA + 1));
  expect(client.connection.sent.map(({ length }) => length)).toEqual([MAX_SSH_DATA + 6, 7]);
});

test("refuses DATA of more than 16 KiB with 1009", () => {
  const { client } = sshHouse().open();
  client.data(new Uint8Array(MAX_SSH_DATA + 1));
  expect(client.code).toBe(1009);
});

test("takes an empty DATA for nothing", async () => {
  const house = sshHouse();
  const { client, upstream } = house.open();
  client.data("");
  client.data("hello");
  await house.turn();
  house.clock.advance(500);
  expect([upstream.written, upstream.calls, client.hear().ack]).toEqual(["hello", [], 5]);
});

test("goes on with a stream", async () => {
  const house = sshHouse();
  const { client, upstream, sid } = house.open();
  upstream.say("hello");
  client.connection.leave(1006);
  expect(house.resume(sid, 2).hear()).toEqual({ reconnected: 0, bytes: "llo", halfClosed: false });
});

describe("the target's FIN", () => {
  test("closes with 1000 behind the last byte, and the target gets its FIN", () => {
    const { client, upstream } = sshHouse().open();
    client.connection.stall();
    upstream.say("bye");
    upstream.sayEnd();
    expect(client.code).toBeUndefined();
    client.connection.catchUp();
    expect([client.hear(), client.code]).toEqual([{ bytes: "bye", halfClosed: false }, 1000]);
    expect(upstream.calls).toEqual(["shutdown"]);
  });

  test("is told again to a client that lost it on the way", () => {
    const house = sshHouse();
    const { upstream, sid } = house.open();
    upstream.say("bye");
    upstream.sayEnd();
    const again = house.resume(sid, 1);
    expect([again.hear().bytes, again.code]).toEqual(["ye", 1000]);
  });
});

test("a broken target is told with 1014", () => {
  const { client, upstream } = sshHouse().open();
  upstream.breakOff(RESET);
  expect(client.code).toBe(1014);
});

describe("a target that takes nothing", () => {
  test("pauses the client, whose frames go on when it takes something", async () => {
    const house = sshHouse();
    const { client, upstream } = house.open(null, 2);
    client.data("hello");
    await house.turn();
    expect(client.connection.isPaused).toBe(true);
    upstream.makeRoom(100);
    expect([client.connection.isPaused, upstream.written]).toEqual([false, "hello"]);
  });

  test("does not hold a client back on its next connection, which says it again", async () => {
    const house = sshHouse();
    const { client, upstream, sid } = house.open(null, 2);
    client.data("hello");
    await house.turn();
    const again = house.resume(sid, 0);
    expect([again.hear().reconnected, again.connection.isPaused]).toEqual([2, false]);
    upstream.makeRoom(100);
    expect(upstream.written).toBe("he");
  });
});

describe("both directions full", () => {
  /** The target takes nothing, and says more than is kept. */
  async function full() {
    const house = sshHouse({ buffer: 4 });
    const stream = house.open(null, 0);
    stream.client.data("hello");
    await house.turn();
    stream.upstream.say("01234");
    return { house, ...stream };
  }

  test("let go of what is kept, and read on", async () => {
    const { client, upstream } = await full();
    expect([client.connection.isPaused, upstream.isPaused]).toEqual([true, false]);
    upstream.say("56789");
    expect(client.hear().bytes).toBe("0123456789");
    upstream.makeRoom(100);
    expect([upstream.written, client.connection.isPaused]).toEqual(["hello", false]);
    client.ack(3);
    expect(client.code).toBeUndefined();
  });

  test("in the other order too", async () => {
    const house = sshHouse({ buffer: 4 });
    const { client, upstream } = house.open(null, 0);
    upstream.say("01234");
    expect(upstream.isPaused).toBe(true);
    client.data("hello");
    await house.turn();
    expect([client.connection.isPaused, upstream.isPaused]).toEqual([true, false]);
  });

  test("still keep no more than the bound when the client reads nothing", async () => {
    const { client, upstream } = await full();
    client.connection.stall();
    upstream.say("a");
    upstream.say("bcdef");
    expect(upstream.isPaused).toBe(true);
    client.connection.catchUp();
    expect(upstream.isPaused).toBe(false);
    expect(client.hear().bytes).toBe("01234abcdef");
  });

  test("lose the stream with its connection, and a resume is told so", async () => {
    const { house, client, upstream, sid } = await full();
    client.connection.leave(1006);
    expect(upstream.calls).toEqual(["shutdown"]);
    expect(house.resume(sid, 5).code).toBe(4510);
  });

  test("are refused to another connection while the first is still there", async () => {
    const { house, client, sid } = await full();
    expect([house.resume(sid, 5).code, client.code]).toEqual([4510, undefined]);
  });
});
