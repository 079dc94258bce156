/** Streams whose client is away, or takes nothing, and what the gateway's stop does to them. */
import { describe, expect, test } from "bun:test";
import { MAX_DATA } from "../../../src/wire/bridge-frames.ts";
import { streamHouse } from "./stream-house.ts";

describe("a stream that waits for its client", () => {
  test.each([[1001], [1005], [1006], [1002], [4008]])("is kept after %p", (code) => {
    const house = streamHouse();
    const { client, sid, upstream } = house.open();
    client.connection.leave(code);
    house.clock.advance(59_999);
    expect(upstream.calls).toEqual([]);
    expect(house.resume(sid, 0).code).toBeUndefined();
    house.clock.advance(60_000);
    expect(house.streams.stats()).toEqual({ resumable: 1, parked: 0 });
  });

  test("ends with its window, and its client is told", () => {
    const house = streamHouse();
    const { client, sid, upstream } = house.open();
    client.connection.leave(1006);
    house.clock.advance(60_000);
    expect([upstream.calls, house.streams.stats()]).toEqual([["shutdown"], { resumable: 0, parked: 0 }]);
    expect(house.resume(sid, 0).code).toBe(4510);
    expect(house.clock.pending).toBe(0);
  });

  test("resets a target that takes nothing of what the client has said, when it ends", () => {
    const house = streamHouse({ streams: 1 });
    const opened = Array.from({ length: 2 }, () => house.open(null, 2));
    for (const { client } of opened) {
      client.data("hello");
      client.connection.leave(1006);
    }
    house.clock.advance(60_000);
    expect(opened.map(({ upstream }) => [upstream.written, upstream.calls])).toEqual([
      ["he", ["terminate"]],
      ["he", ["terminate"]],
    ]);
    expect([house.gone.length, house.streams.stats()]).toEqual([2, { resumable: 0, parked: 0 }]);
  });

  test("waits as long as it takes if there is no window", () => {
    const house = streamHouse({ window: 0 });
    const { client, sid } = house.open();
    client.connection.leave(1006);
    house.clock.advance(86_400_000);
    expect(house.resume(sid, 0).code).toBeUndefined();
  });

  test("gives way if too many do, the one that waits longest first", () => {
    const house = streamHouse({ streams: 2 });
    const opened = Array.from({ length: 4 }, () => house.open());
    for (const n of [1, 0, 2]) opened[n]?.client.connection.leave(1006);
    expect([house.streams.stats(), house.crowded]).toEqual([{ resumable: 3, parked: 2 }, 1]);
    expect(opened.map(({ upstream }) => upstream.calls.length)).toEqual([0, 1, 0, 0]);
    expect(opened.map(({ sid }) => house.resume(sid, 0).code)).toEqual([
      undefined,
      4510,
      undefined,
      undefined,
    ]);
  });

  test.each([
    [0, 8, 2],
    [1, 8, 1],
    [1000, 9, 3],
    [1000, 1, 1],
  ])("leaves three quarters of the gateway to others: %p streams, %p descriptors", (streams, max, parked) => {
    const house = streamHouse({ streams, max });
    for (let n = 0; n < 5; n += 1) house.open().client.connection.leave(1006);
    expect(house.streams.stats()).toMatchObject({ parked });
  });

  test("gives way if what they keep takes too much memory, the one that waits longest first", () => {
    const house = streamHouse({ total: 20_000 });
    const opened = Array.from({ length: 4 }, () => house.open());
    // 5,000 bytes take 8 KiB.
    for (const { upstream, client } of opened) {
      upstream.say("x".repeat(5_000));
      client.connection.leave(1006);
    }
    expect([house.streams.stats(), house.crowded]).toEqual([{ resumable: 2, parked: 2 }, 2]);
    expect(opened.map(({ sid }) => house.resume(sid, 0).code)).toEqual([4510, 4510, undefined, undefined]);
  });

  test("is weighed again with all that its target says meanwhile, and the client left to be said", () => {
    const house = streamHouse({ total: 20_000 });
    const [first, second] = [house.open(), house.open(null, 0)];
    first.client.connection.leave(1006);
    second.client.data("x".repeat(5_000));
    second.client.connection.leave(1006);
    first.upstream.say("x".repeat(5_000));
    expect(house.streams.stats()).toMatchObject({ parked: 2 });
    first.upstream.say("x".repeat(5_000));
    expect(house.streams.stats()).toMatchObject({ parked: 1 });
    expect([first.upstream.calls, second.upstream.calls]).toEqual([["shutdown"], []]);
  });

  test("counts no memory that a stream has given back while it waited", () => {
    const house = streamHouse({ total: 20_000 });
    const opened = Array.from({ length: 4 }, () => house.open(null, 0));
    for (const { upstream, client } of opened) {
      client.data("x".repeat(5_000));
      client.connection.leave(1006);
      upstream.makeRoom(5_000);
      house.clock.advance(500);
    }
    expect([house.streams.stats(), house.crowded]).toEqual([{ resumable: 4, parked: 4 }, 0]);
  });

  test("weighs nothing any more once its client is back, or it has ended", () => {
    const house = streamHouse({ total: 20_000, window: 1_000 });
    for (let n = 0; n < 8; n += 1) {
      const { upstream, client, sid } = house.open();
      upstream.say("x".repeat(5_000));
      client.connection.leave(1006);
      if (n % 2 === 0) house.resume(sid, 0);
      else house.clock.advance(1_000);
    }
    expect([house.crowded, house.streams.stats()]).toMatchObject([0, { resumable: 4 }]);
  });

  test("ends if it takes too much memory all by itself", () => {
    const house = streamHouse({ total: 5_000 });
    const { upstream, client, sid } = house.open();
    upstream.say("x".repeat(5_000));
    client.connection.leave(1006);
    expect([upstream.calls, house.resume(sid, 0).code]).toEqual([["shutdown"], 4510]);
  });

  test("is none of those that have a client, however many these are", () => {
    const house = streamHouse({ streams: 1 });
    const opened = Array.from({ length: 10 }, () => house.open());
    expect(opened.map(({ client }) => client.code)).toEqual(opened.map(() => undefined));
  });
});

describe("a stall", () => {
  test("of the target closes with 1013, resets it, and the stream is lost", async () => {
    const house = streamHouse();
    const { client, sid } = house.open(null, 2);
    client.data("hello");
    await house.turn();
    house.clock.advance(299_000);
    expect(client.code).toBeUndefined();
    house.clock.advance(2_000);
    expect(client.code).toBe(1013);
    expect(house.resume(sid, 0).code).toBe(4510);
  });

  test("of the client closes with 1013, and the stream is lost", () => {
    const house = streamHouse({ buffer: 4 });
    const { client, upstream, sid } = house.open();
    upstream.say("hello");
    house.clock.advance(301_000);
    expect(client.code).toBe(1013);
    expect(house.resume(sid, 0).code).toBe(4510);
  });

  test("is none while anything moves, or nothing waits", () => {
    const house = streamHouse({ buffer: 4 });
    const { client, upstream } = house.open();
    upstream.say("hello, you");
    for (let n = 1; n <= 5; n += 1) {
      house.clock.advance(299_000);
      client.ack(n);
    }
    client.ack(7);
    house.clock.advance(86_400_000);
    expect(client.code).toBeUndefined();
  });

  test("of another connection does not count after a resume", () => {
    const house = streamHouse({ buffer: 4, window: 0 });
    const { client, upstream, sid } = house.open();
    upstream.say("hello");
    house.clock.advance(200_000);
    client.connection.leave(1006);
    house.clock.advance(200_000);
    const again = house.resume(sid, 0);
    house.clock.advance(200_000);
    expect(again.code).toBeUndefined();
  });
});

describe("the gateway's stop", () => {
  test("hands over what is held, closes with 1012 and ends the target", async () => {
    const house = streamHouse();
    const { client, upstream, end } = house.open();
    client.connection.stall();
    upstream.say("hello");
    client.data("bye");
    end.finish(1012, "service restart");
    expect([upstream.written, upstream.isPaused, client.code]).toEqual(["bye", true, undefined]);
    client.connection.catchUp();
    expect([client.hear().bytes, client.code, upstream.calls]).toEqual(["hello", 1012, ["shutdown"]]);
    expect(house.streams.stats()).toEqual({ resumable: 0, parked: 0 });
  });

  test("ends the targets of streams whose client is away", () => {
    const house = streamHouse();
    const { client, upstream } = house.open();
    client.connection.leave(1006);
    house.streams.dispose();
    expect([upstream.calls, house.clock.pending]).toEqual([["shutdown"], 0]);
  });

  test("keeps no stream of a connection that it cuts", () => {
    const house = streamHouse();
    const { client, upstream } = house.open();
    client.connection.terminate(1012, "not in time");
    expect([upstream.calls, house.streams.stats()]).toEqual([["shutdown"], { resumable: 0, parked: 0 }]);
  });
});

test("memory that nobody needs any more is given back", () => {
  const house = streamHouse();
  const used = () => {
    Bun.gc(true);
    return process.memoryUsage().arrayBuffers;
  };
  const opened = Array.from({ length: 20 }, () => house.open());
  for (const { client, upstream } of opened) {
    upstream.say(new Uint8Array(500_000));
    client.ack(client.hear().bytes.length);
  }
  const held = used();
  house.clock.advance(1_000);
  expect(held - used()).toBeGreaterThan(20 * 500_000);
});

test("65,536 tiny frames that the target does not take wait in order, and are acknowledged as one", async () => {
  const house = streamHouse();
  const { client, upstream } = house.open(null, 0);
  for (let n = 0; n < MAX_DATA; n += 1) client.data("x");
  await house.turn();
  upstream.makeRoom(MAX_DATA);
  expect([upstream.written.length, client.hear().ack]).toEqual([MAX_DATA, MAX_DATA]);
});
