import { describe, expect, spyOn, test } from "bun:test";
import type { Partner } from "../../../src/client/relay.ts";
import { collect, fate, relayHouse, settle } from "./house.ts";

describe("the partner", () => {
  test("is told by the join, by what follows, and unknown while this peer is away", async () => {
    const { relay, join, say, lose } = relayHouse();
    const told: Partner["state"][] = [];
    const stop = relay.onPartner(({ state }) => told.push(state));
    expect(relay.partner.state).toBe("unknown");
    await join({ info: { name: "door 3" } });
    expect(relay.partner).toEqual({ state: "online", info: { name: "door 3" }, reason: undefined });
    say({ t: "peer", role: "local", state: "offline", reason: "closed" });
    expect(relay.partner).toEqual({ state: "offline", info: undefined, reason: "closed" });
    await lose();
    expect(relay.partner.state).toBe("unknown");
    stop();
    await join({ partner: "offline" });
    expect([relay.partner.state, told]).toEqual(["offline", ["online", "offline", "unknown"]]);
  });

  test("is shown what this peer tells about itself", async () => {
    const { join } = relayHouse({ info: { name: "desk" }, role: "local" });
    expect(await join()).toEqual({ group: "g1", role: "local", info: { name: "desk" } });
  });

  test("whose listener throws harms nobody", async () => {
    const { relay, join } = relayHouse();
    const told: string[] = [];
    const thrown: (() => void)[] = [];
    // What a microtask throws is uncaught; here it is looked at instead.
    const later = spyOn(globalThis, "queueMicrotask").mockImplementation((run) => void thrown.push(run));
    relay.onPartner(() => {
      throw new Error("mine");
    });
    relay.onPartner(({ state }) => told.push(state));
    await join();
    later.mockRestore();
    expect(told).toEqual(["online"]);
    expect(thrown[0]).toThrow("mine");
  });
});

describe("a join", () => {
  test("to a role that is taken is asked for again, after longer and longer waits", async () => {
    const { relay, clock, net, err, welcome } = relayHouse();
    const waits: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      await welcome();
      err("join", "forbidden");
      expect(relay.status.type).toBe("open");
      net.last.end(4409, "the group has a center already");
      if (relay.status.type === "away") waits.push(relay.status.retryIn);
      clock.advance(20_000);
    }
    expect(waits).toHaveLength(8);
    expect(Math.max(...waits.slice(0, 1))).toBeLessThanOrEqual(250);
    expect(Math.max(...waits)).toBeGreaterThan(500);
  });

  test("that the server does not understand ends the relay with its word", async () => {
    const { relay, err, welcome } = relayHouse();
    const sending = fate(relay.send(1));
    const items = collect(relay);
    await welcome();
    err("join", "unknown_command");
    expect([await sending, relay.status]).toMatchObject([
      "closed",
      { type: "closed", error: { code: "unknown_command" } },
    ]);
    await settle();
    expect(items).toEqual(["unknown_command"]);
  });

  test("that cannot be had now is asked for again", async () => {
    const { relay, err, welcome, lose, join } = relayHouse();
    await welcome();
    err("join", "engine_down");
    expect(relay.status.type).toBe("away");
    await lose();
    await join();
    expect(relay.partner.state).toBe("online");
  });

  test("that stands by for long waits, and asks for signs of life meanwhile", async () => {
    const { relay, clock, welcome, command, say } = relayHouse();
    await welcome();
    const { id } = command("join");
    for (let n = 0; n < 3; n += 1) {
      clock.advance(25_000);
      say({ t: "ok", id: command("ping").id, time: 1 });
    }
    expect([relay.status.type, relay.partner.state]).toEqual(["open", "unknown"]);
    say({ t: "ok", id, partner: "online", queued: 0, session: "s1" });
    expect(relay.partner.state).toBe("online");
  });
});

describe("close", () => {
  test("says what was taken, then leave, and waits for the answer", async () => {
    const { relay, net, join, data, said, ok, command } = relayHouse();
    await join();
    data(1);
    for await (const _ of relay) break;
    const closed = relay.close();
    expect(said().map(({ t }) => t)).toEqual(["ack", "leave"]);
    command("ack");
    expect(net.last.closedWith).toBeUndefined();
    ok("leave");
    await closed;
    expect(net.last.closedWith).toEqual([1000, undefined]);
    expect(relay.status).toEqual({ type: "closed", code: 1000, reason: "" });
  });

  test("waits no longer than a second", async () => {
    const { relay, clock, net, join } = relayHouse();
    await join();
    const closed = relay.close();
    clock.advance(1_000);
    await closed;
    expect(net.last.closedWith).toBeDefined();
  });

  test("does not come back when the connection is lost meanwhile", async () => {
    const { relay, net, clock, join } = relayHouse();
    await join();
    const closed = relay.close();
    net.last.end();
    await closed;
    clock.advance(60_000);
    await settle();
    expect([net.sockets.length, relay.status.type]).toEqual([1, "closed"]);
  });

  test("settles what was sent as unknown, what was not as closed", async () => {
    const { relay, join, accept, ok } = relayHouse();
    await join();
    const ends = Array.from({ length: 129 }, (_, n) => fate(relay.send(n)));
    for (let seq = 1; seq <= 128; seq += 1) accept(seq);
    const closed = relay.close();
    ok("leave");
    await closed;
    expect([await ends[0], await ends[127], await ends[128]]).toEqual(["unknown", "unknown", "closed"]);
  });

  test("takes receipts that still come, and sends nothing more", async () => {
    const { relay, join, accept, receipt, said, ok } = relayHouse();
    await join();
    const ends = Array.from({ length: 129 }, (_, n) => fate(relay.send(n)));
    const idems = Array.from({ length: 128 }, (_, n) => accept(n + 1));
    const closed = relay.close();
    receipt(1, idems[0] ?? "");
    expect(said().map(({ t }) => t)).toEqual(["leave"]);
    ok("leave");
    await closed;
    expect(await ends[0]).toBe("delivered");
  });

  test("twice is once", async () => {
    const { relay, join, said, ok } = relayHouse();
    await join();
    const both = [relay.close(), relay.close()];
    ok("leave");
    await Promise.all(both);
    expect(said()).toEqual([]);
  });

  test("is what its signal does", async () => {
    const stop = new AbortController();
    const { relay, join, ok } = relayHouse({ signal: stop.signal });
    await join();
    stop.abort();
    ok("leave");
    await settle();
    expect(relay.status).toEqual({ type: "closed", code: 1000, reason: "" });
  });

  test("leaves nothing at its signal, also when it was not its doing", async () => {
    const { signal } = new AbortController();
    const held = new Set<unknown>();
    signal.addEventListener = (_: string, listener: unknown) => void held.add(listener);
    signal.removeEventListener = (_: string, listener: unknown) => void held.delete(listener);
    const { relay, net, join } = relayHouse({ signal });
    await join();
    expect(held.size).toBe(1);
    net.last.end(4590);
    await settle();
    expect([relay.status.type, held.size]).toEqual(["closed", 0]);
  });

  test("comes before the first attempt when the signal has come already", async () => {
    const { relay, net } = relayHouse({ signal: AbortSignal.abort() });
    await settle();
    expect([net.sockets.length, relay.status.type]).toEqual([0, "closed"]);
  });

  test("leaves no timer", async () => {
    const { relay, clock, net, join, accept, command, data, ok } = relayHouse();
    collect(relay);
    await join();
    data(1);
    relay.send(1, { ttl: 9_000 }).catch(() => {});
    accept(1);
    await settle();
    await settle();
    command("ack");
    const closed = relay.close();
    ok("leave");
    await closed;
    net.last.end(1000);
    expect(clock.pending).toBe(0);
  });
});
