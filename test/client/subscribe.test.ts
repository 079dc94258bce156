import { describe, expect, spyOn, test } from "bun:test";
import { collect, message, sessionHouse } from "./session-house.ts";

const at = (offset: number, epoch = "e1") => ({ epoch, offset });

describe("a subscription", () => {
  test("brings messages with their place, from where the server says", async () => {
    const { session, welcome, ok, say } = sessionHouse();
    const subscription = session.subscribe("a", { last: 1 });
    await welcome();
    ok("sub", { topic: "a", ...at(4), count: 1 });
    await subscription.ready;
    say({ ...message("a", 4), conn: "c2", user: "ann", key: "k" });
    const iterator = subscription[Symbol.asyncIterator]();
    const place = { topic: "a", epoch: "e1", offset: 4, time: 5 };
    expect((await iterator.next()).value).toEqual({
      type: "message",
      ...place,
      data: "m4",
      conn: "c2",
      user: "ann",
      key: "k",
    });
    expect(subscription.topic).toBe("a");
  });

  test("asks for what it was told to ask", async () => {
    const { session, welcome, command } = sessionHouse();
    session.subscribe("a", { last: 3, presence: true, since: at(7) });
    session.subscribe("b.*", { since: { "b.x": at(2, "e2") } });
    session.subscribe("c");
    await welcome();
    const asked = [command("sub"), command("sub"), command("sub")].map(({ t: _, id: __, ...rest }) => rest);
    expect(asked).toEqual([
      { topic: "a", since: at(7), last: 3, presence: true },
      { topic: "b.*", since: { "b.x": at(2, "e2") } },
      { topic: "c" },
    ]);
  });

  test("is read once: a second reader is refused, whichever way each reads", async () => {
    const { session } = sessionHouse();
    const first = session.subscribe("a");
    first[Symbol.asyncIterator]();
    expect(() => first[Symbol.asyncIterator]()).toThrow("`for await` or `listen`");
    expect(() => first.listen(() => {})).toThrow("has one reader");
    const second = session.subscribe("b");
    void second.listen(() => {});
    expect(() => second[Symbol.asyncIterator]()).toThrow(TypeError);
  });

  test("exists once for each name", async () => {
    const { session, welcome } = sessionHouse();
    const first = session.subscribe("a");
    expect(() => session.subscribe("a")).toThrow(expect.objectContaining({ code: "bad_request" }));
    await welcome();
    first.close();
    session.subscribe("a");
  });

  test("hands out what came before it was read, and ends with close", async () => {
    const { session, welcome, ok, say, command } = sessionHouse();
    const subscription = session.subscribe("a");
    await welcome();
    ok("sub", { topic: "a", ...at(0), count: 0 });
    say(message("a", 1));
    say(message("a", 2));
    const heard: unknown[] = [];
    const done = subscription.listen((item) => {
      if (item.type === "message") heard.push(item.offset);
      if (heard.length === 3) subscription.close();
    });
    say(message("a", 3));
    expect(command("unsub")).toMatchObject({ topic: "a" });
    say(message("a", 4));
    await done;
    expect(heard).toEqual([1, 2, 3]);
  });

  test("brings nothing more to a listener that closes it, though more had come", async () => {
    const { session, welcome, ok, say } = sessionHouse();
    const subscription = session.subscribe("a");
    await welcome();
    ok("sub", { topic: "a", ...at(0), count: 0 });
    for (const offset of [1, 2, 3]) say(message("a", offset));
    let heard = 0;
    await subscription.listen(() => {
      heard += 1;
      subscription.close();
    });
    expect(heard).toBe(1);
  });

  test("ends when its loop is left, or its signal aborts", async () => {
    const { session, welcome, ok, say, command } = sessionHouse();
    const subscription = session.subscribe("a");
    const abort = new AbortController();
    const other = session.subscribe("b", { signal: abort.signal });
    await welcome();
    ok("sub", { topic: "a", ...at(0), count: 0 });
    ok("sub", { topic: "b", ...at(0), count: 0 });
    say(message("a", 1));
    for await (const _ of subscription) break;
    expect(command("unsub")).toMatchObject({ topic: "a" });
    const left = (async () => {
      for await (const _ of other) throw new Error("nothing was published");
    })();
    abort.abort();
    await left;
    expect(command("unsub")).toMatchObject({ topic: "b" });
  });

  test("whose signal was aborted before is over at once, and the server hears nothing", async () => {
    const { session, welcome, said } = sessionHouse();
    await welcome();
    const subscription = session.subscribe("a", { signal: AbortSignal.abort() });
    for await (const _ of subscription) throw new Error("it is over");
    expect(said()).toEqual([]);
  });

  test("that the server refuses rejects ready, and throws in its loop", async () => {
    const { session, welcome, err } = sessionHouse();
    const subscription = session.subscribe("a");
    await welcome();
    err("sub", "forbidden");
    const refused = expect.objectContaining({ code: "forbidden" });
    await expect(subscription.ready).rejects.toEqual(refused);
    const iterator = subscription[Symbol.asyncIterator]();
    await expect(iterator.next()).rejects.toEqual(refused);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    session.subscribe("a");
  });

  test("that meets an engine that is down is asked for again", async () => {
    const { session, clock, welcome, err, ok, said } = sessionHouse();
    const subscription = session.subscribe("a");
    await welcome();
    err("sub", "engine_down", { retry: 3_000 });
    clock.advance(2_999);
    expect(said()).toEqual([]);
    clock.advance(1);
    ok("sub", { topic: "a", ...at(0), count: 0 });
    await subscription.ready;
  });

  test("is not asked for again after close() or a loss, which asks anew", async () => {
    const { session, clock, welcome, err, lose, said } = sessionHouse();
    session.subscribe("a");
    const closed = session.subscribe("b");
    await welcome();
    err("sub", "engine_down");
    err("sub", "engine_down");
    closed.close();
    await lose();
    await welcome();
    clock.advance(1_000);
    expect(said()).toEqual([{ t: "sub", id: expect.any(Number), topic: "a" }]);
  });

  test("throws in its loop when the server ends the session, after what had come", async () => {
    const { session, net, welcome, ok, say } = sessionHouse();
    const subscription = session.subscribe("a");
    await welcome();
    ok("sub", { topic: "a", ...at(0), count: 0 });
    say(message("a", 1));
    net.last.end(4509, "kicked");
    const heard: unknown[] = [];
    const loop = (async () => {
      for await (const item of subscription) heard.push(item.type);
    })();
    await expect(loop).rejects.toThrow("the server closed with 4509 kicked");
    expect(heard).toEqual(["message"]);
  });

  test("ends quietly with the session's close()", async () => {
    const { session, welcome } = sessionHouse();
    const subscription = session.subscribe("a");
    await welcome();
    const ended = subscription.listen(() => {});
    session.close();
    await ended;
    await expect(subscription.ready).rejects.toThrow("closed before an answer");
  });

  test("goes on when a listener throws, which is reported as uncaught", async () => {
    const { session, welcome, ok, say } = sessionHouse();
    // What a microtask throws is uncaught; here it is looked at instead.
    const reports: (() => void)[] = [];
    using _later = spyOn(globalThis, "queueMicrotask").mockImplementation((run) => void reports.push(run));
    const heard: unknown[] = [];
    session.subscribe("a").listen((item) => {
      if (item.type === "message") heard.push(item.offset);
      if (heard.length === 1) throw new Error("a fault of the listener");
    });
    await welcome();
    ok("sub", { topic: "a", ...at(0), count: 0 });
    say(message("a", 1));
    say(message("a", 2));
    expect(heard).toEqual([1, 2]);
    expect(reports).toHaveLength(1);
    expect(reports[0]).toThrow("a fault of the listener");
  });

  test("tells who comes and goes only if it asked", async () => {
    const { session, welcome, ok, say } = sessionHouse();
    const curious = collect(session.subscribe("a", { presence: true }));
    const plain = collect(session.subscribe("a.*"));
    await welcome();
    ok("sub", { topic: "a", ...at(0), count: 0 });
    ok("sub", { topic: "a.*", positions: {} });
    say({ t: "join", topic: "a", conn: "c2", user: null, total: 2 });
    say({ t: "count", topic: "a", total: 501 });
    expect(curious).toEqual([
      { type: "join", topic: "a", conn: "c2", user: null, total: 2 },
      { type: "count", topic: "a", total: 501 },
    ]);
    expect(plain).toEqual([]);
  });

  test("of a pattern brings topics that begin later, from their first message", async () => {
    const { session, welcome, ok, say } = sessionHouse();
    const heard = collect(session.subscribe("a.>"));
    await welcome();
    ok("sub", { topic: "a.>", positions: { "a.x": { ...at(3), count: 0 } } });
    say(message("a.x", 4));
    say(message("a.new", 1, "e9"));
    say(message("a.new", 2));
    say(message("b", 1));
    expect(heard).toEqual(["a.x 4 m4", "a.new 1 m1", "a.new 2 m2"]);
    expect(session.positions).toEqual({ "a.>": { "a.x": at(4), "a.new": at(2, "e9") } });
  });
});
