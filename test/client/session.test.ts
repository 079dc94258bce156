import { describe, expect, spyOn, test } from "bun:test";
import { connect } from "../../src/client/index.ts";
import { testClock } from "../clock.ts";
import { fakeNetwork } from "./fake-web-socket.ts";
import { message, sessionHouse, settle } from "./session-house.ts";

const types = (statuses: readonly { type: string }[]) => statuses.map(({ type }) => type);

describe("a session", () => {
  test("offers fairlead.v1, and tells its status from the first attempt to the end", async () => {
    const { session, net, clock, statuses, welcome, lose } = sessionHouse();
    expect(session.status).toEqual({ type: "connecting", attempt: 1 });
    await welcome(undefined, { user: "ann", expires: 9 });
    expect(net.last.protocols).toEqual(["fairlead.v1"]);
    expect(session.status).toMatchObject({ type: "open", conn: "c1", user: "ann", expires: 9, node: "n1" });
    await lose(1001, "bye");
    await welcome();
    session.close();
    const kinds = ["open", "away", "connecting", "open", "closed"];
    expect(types(statuses)).toEqual(kinds);
    expect(statuses[1]).toMatchObject({ code: 1001, reason: "bye", retryIn: expect.any(Number) });
    expect(session.status).toEqual({ type: "closed", code: 1000, reason: "" });
    net.last.end(1000);
    expect([types(statuses), clock.pending]).toEqual([kinds, 0]);
  });

  test("counts the attempts since it was open", async () => {
    const { session, lose, welcome } = sessionHouse();
    await settle();
    await lose();
    await lose();
    expect(session.status).toEqual({ type: "connecting", attempt: 3 });
    await welcome();
    await lose();
    expect(session.status).toEqual({ type: "connecting", attempt: 1 });
  });

  test("tells nobody who does not listen any more, and goes on when a listener throws", async () => {
    using _later = spyOn(globalThis, "queueMicrotask").mockImplementation(() => {});
    const { session, statuses, welcome, lose } = sessionHouse();
    const stop = session.onStatus(() => {
      throw new Error("a fault of the listener");
    });
    await welcome();
    stop();
    stop();
    await lose();
    expect(types(statuses)).toEqual(["open", "away", "connecting"]);
  });

  test("ends for good where the server does not speak fairlead.v1", async () => {
    const { session, net, clock } = sessionHouse();
    const waiting = session.publish("a", 1).catch((error: unknown) => error);
    await settle();
    net.last.accept("");
    expect(session.status).toMatchObject({ type: "closed", error: { code: "unsupported" } });
    expect(await waiting).toMatchObject({
      code: "closed",
      message: expect.stringContaining("no subprotocol"),
    });
    net.last.end(1000);
    clock.advance(60_000);
    expect([net.sockets.length, clock.pending]).toEqual([1, 0]);
  });

  test("says what the server said before it closed for good", async () => {
    const { session, net, statuses, say } = sessionHouse();
    await settle();
    net.last.accept();
    say({ t: "err", code: "forbidden", message: "not for you" });
    net.last.end(3003);
    expect(statuses.at(0)).toMatchObject({ type: "error", error: { code: "forbidden" } });
    expect(session.status).toMatchObject({ type: "closed", code: 3003, error: { message: "not for you" } });
  });

  test("does not blame what the server said on an earlier connection", async () => {
    const { session, net, statuses, welcome, say, lose } = sessionHouse();
    await welcome();
    say({ t: "err", code: "engine_down", message: "wait" });
    await lose(1013);
    expect(statuses.at(-2)).toMatchObject({ type: "away", cause: { code: "engine_down" } });
    await welcome();
    net.last.end(1008);
    expect(session.status).toMatchObject({ type: "closed", error: { code: "closed" } });
  });

  test("gives a connection up that has no welcome within 8 s", async () => {
    const { session, net, clock } = sessionHouse();
    await settle();
    net.last.accept();
    clock.advance(8_000);
    expect(session.status).toMatchObject({ type: "away", reason: "no welcome came in time" });
    expect(net.last.closedWith).toEqual([]);
  });

  test("leaves a connection that says what cannot be read, and resumes on the next", async () => {
    const { session, net, clock, statuses, welcome, ok, command } = sessionHouse();
    session.subscribe("a");
    await welcome();
    ok("sub", { topic: "a", epoch: "e1", offset: 0, count: 0 });
    for (const frame of ["{", new Uint8Array([9, 9, 1]).buffer]) {
      net.last.say(frame);
      expect(types(statuses.splice(0))).toEqual(["open", "error", "away"]);
      clock.advance(20_000);
      await welcome();
      statuses.shift();
    }
    expect(command("sub")["since"]).toEqual({ epoch: "e1", offset: 0 });
  });

  test("ignores frames and fields that it does not know", async () => {
    const { session, statuses, welcome, say } = sessionHouse();
    await welcome(undefined, { weather: "fine" });
    say({ t: "weather", topic: "a" });
    say({ t: "weather" });
    say({ t: "ok", id: 999 });
    expect([types(statuses), session.status.type]).toEqual([["open"], "open"]);
  });

  test("closes when its signal aborts, before it is open, too", async () => {
    const abort = new AbortController();
    const { session, welcome } = sessionHouse({ signal: abort.signal });
    await welcome();
    abort.abort();
    expect(session.status.type).toBe("closed");
    const { session: second, net } = sessionHouse({ signal: AbortSignal.abort() });
    await settle();
    expect([second.status.type, net.sockets.length]).toEqual(["closed", 0]);
  });

  test("hears nothing after close(), and leaves no timer behind", async () => {
    const { session, net, clock, statuses, say } = sessionHouse();
    await settle();
    net.last.accept();
    session.close();
    say({ t: "welcome", conn: "c1", heartbeat: 1_000, maxMessage: 0 });
    net.last.end(1000);
    expect([types(statuses), clock.pending]).toEqual([["closed"], 0]);
  });

  test("refuses what comes after close()", async () => {
    const { session } = sessionHouse();
    session.close();
    session.close();
    const late = session.subscribe("a");
    await expect(late.ready).rejects.toMatchObject({ code: "closed" });
    for await (const _ of late) throw new Error("nothing comes any more");
  });

  test("says what to do where the runtime has no WebSocket", () => {
    const { WebSocket: own } = globalThis;
    Reflect.deleteProperty(globalThis, "WebSocket");
    try {
      expect(() => connect("ws://host/")).toThrow("use Node >= 22, or give options.WebSocket");
    } finally {
      globalThis.WebSocket = own;
    }
  });

  test("tells why an attempt could not begin, and tries again", async () => {
    const { session, clock } = sessionHouse({ url: "not an address" });
    await settle();
    expect(session.status).toMatchObject({ type: "away", cause: expect.any(TypeError) });
    expect(clock.pending).toBe(1);
  });

  test("asks a function for its URL at each attempt", async () => {
    const net = fakeNetwork();
    const clock = testClock();
    let asked = 0;
    const session = connect(async () => `ws://host/${++asked}`, { WebSocket: net.WebSocket, clock });
    await settle();
    net.last.end();
    clock.advance(20_000);
    await settle();
    expect(net.sockets.map(({ url }) => url)).toEqual(["ws://host/1", "ws://host/2"]);
    session.close();
  });
});

describe("a session comes back", () => {
  test("after drain and its close, not before the server wants it", async () => {
    const { session, net, clock, say, welcome } = sessionHouse();
    await welcome();
    say({ t: "drain", within: 5_000, retry: 3_000 });
    expect(session.status).toEqual({ type: "draining", within: 5_000, retry: 3_000 });
    net.last.end(1012);
    clock.advance(2_999);
    await settle();
    expect(net.sockets).toHaveLength(1);
    clock.advance(251);
    await settle();
    expect(net.sockets).toHaveLength(2);
  });

  test("not before the server wants it, when it was too fast", async () => {
    const { net, clock, say, welcome } = sessionHouse();
    await welcome();
    say({ t: "err", code: "rate_limited", message: "too fast", retry: 9_000 });
    net.last.end(4029);
    clock.advance(8_999);
    await settle();
    expect(net.sockets).toHaveLength(1);
    clock.advance(251);
    await settle();
    expect(net.sockets).toHaveLength(2);
  });

  test("soon again, once a resume has brought new messages", async () => {
    using _chance = spyOn(Math, "random").mockReturnValue(1);
    const { session, statuses, welcome, lose, ok, say } = sessionHouse();
    const sub = { topic: "a", epoch: "e1", offset: 0, count: 0 };
    session.subscribe("a");
    const waits = () => statuses.flatMap((status) => (status.type === "away" ? status.retryIn : []));
    for (let round = 1; round <= 4; round++) {
      await welcome();
      ok("sub", sub);
      if (round === 3) say(message("a", 1));
      await lose();
    }
    expect(waits()).toEqual([250, 500, 250, 500]);
  });
});
