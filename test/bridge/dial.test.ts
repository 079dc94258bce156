import { describe, expect, test } from "bun:test";
import { createConnect } from "../../src/bridge/dial/connect.ts";
import { createDialer, type Dialed, type DialerOptions } from "../../src/bridge/dial.ts";
import type { UpstreamHandler } from "../../src/bridge/upstream.ts";
import { targetOf } from "../../src/config/target.ts";
import { createCapacity } from "../../src/limits.ts";
import { eventually } from "../calm.ts";
import { testClock } from "../clock.ts";
import { memoryLog } from "../gateway.ts";
import { closedTarget, roundTrip, startService, type TcpService } from "../tcp-service.ts";
import { CALLER } from "./admit-request.ts";
import { unexpected } from "./fake-upstream.ts";

function dialHouse(target: string, options: Partial<DialerOptions> = {}) {
  const [clock, capacity] = [testClock(), createCapacity(10)];
  const dialer = createDialer({
    timeout: 5_000,
    maxPending: 64,
    capacity,
    clock,
    onBug: unexpected,
    connect: createConnect({ tls: {}, route: "/b", clock, log: memoryLog() }),
    ...options,
  });
  const controller = new AbortController();
  return {
    clock,
    capacity,
    dialer,
    controller,
    dial: (to = target, from: string = CALLER.remoteAddress) =>
      dialer.dial(targetOf(to), { ...CALLER, remoteAddress: from, signal: controller.signal }),
  };
}

const failure = (dialed: Dialed) => ("failure" in dialed ? dialed.failure : "connected");

async function upstreamOf(dialing: Promise<Dialed>) {
  const dialed = await dialing;
  if ("failure" in dialed) throw new Error(`${dialed.failure}: ${dialed.detail}`);
  return dialed.upstream;
}

/** A handler that remembers what it was told. */
function listening(changes: Partial<UpstreamHandler> = {}): UpstreamHandler & { readonly told: string[] } {
  const told: string[] = [];
  return {
    told,
    data: (chunk) => void told.push(`data ${chunk}`),
    drain: () => {},
    end: () => void told.push("end"),
    close: (error) => void told.push(error === undefined ? "close" : "broken"),
    ...changes,
  };
}

/** Nobody got the late connection: it was reset, and its descriptor is free. */
async function expectNothingLeft({ capacity, dialer }: ReturnType<typeof dialHouse>, service: TcpService) {
  const peer = await service.next();
  await peer.ended();
  await eventually("the descriptor is given back", () => capacity.used === 0);
  expect(dialer.pending).toBe(0);
}

describe("a dial", () => {
  test("brings an upstream that is not read until somebody takes it over, and loses nothing of it", async () => {
    using service = await startService((peer) => void peer.write("banner"));
    const house = dialHouse(service.target);
    const upstream = await upstreamOf(house.dial());
    const peer = await service.next();
    await peer.write(" and more");
    await roundTrip();
    const handler = listening();
    upstream.data.handler = handler;
    upstream.resume();
    await eventually("the banner", () => handler.told.join("").includes("more"));
    expect(handler.told.join("").replaceAll("data ", "")).toBe("banner and more");
    upstream.terminate();
    expect(house.capacity.used).toBe(0);
  });

  test("counts as pending and costs a descriptor while it lasts, the descriptor until the upstream closes", async () => {
    using service = await startService();
    const { capacity, dialer, dial } = dialHouse(service.target);
    const dialing = dial();
    expect([dialer.pending, capacity.used]).toEqual([1, 1]);
    const upstream = await upstreamOf(dialing);
    expect([dialer.pending, capacity.used]).toEqual([0, 1]);
    upstream.terminate();
    expect([dialer.pending, capacity.used]).toEqual([0, 0]);
  });

  test("leaves no timer behind, whether it got through or not", async () => {
    using service = await startService();
    for (const target of [service.target, await closedTarget()]) {
      const { clock, dial } = dialHouse(target);
      const dialed = await dial();
      expect(clock.pending).toBe(0);
      if ("upstream" in dialed) dialed.upstream.terminate();
    }
  });

  test("is refused if nobody listens there, says why, and gives everything back", async () => {
    const { capacity, dialer, dial } = dialHouse(await closedTarget());
    expect(await dial()).toEqual({ failure: "refused", detail: "ECONNREFUSED" });
    expect([dialer.pending, capacity.used]).toEqual([0, 0]);
  });

  test("is busy if as many dials as may be are under way, and not once they are through", async () => {
    using service = await startService();
    const { dial, dialer, capacity } = dialHouse(service.target, { maxPending: 2 });
    const first = [dial(), dial(service.target, "192.0.2.8")];
    expect(await dial(service.target, "192.0.2.9")).toEqual({
      failure: "busy",
      detail: "2 dials are under way",
    });
    expect([dialer.pending, capacity.used]).toEqual([2, 2]);
    const upstreams = await Promise.all([
      ...first.map(upstreamOf),
      Promise.all(first).then(() => upstreamOf(dial())),
    ]);
    for (const upstream of upstreams) upstream.terminate();
    expect(capacity.used).toBe(0);
  });

  test("counts by target: a busy one keeps nobody from another", async () => {
    using one = await startService();
    using other = await startService();
    const { dial, dialer } = dialHouse(one.target, { maxPending: 1 });
    const first = [dial(), dial(other.target)];
    expect(dialer.pending).toBe(2);
    expect(failure(await dial(other.target))).toBe("busy");
    for (const upstream of await Promise.all(first.map(upstreamOf))) upstream.terminate();
    expect(dialer.pending).toBe(0);
  });

  test("keeps no more than half for one caller, so that another one gets through", async () => {
    using service = await startService();
    const { dial } = dialHouse(service.target, { maxPending: 4 });
    const burst = Array.from({ length: 4 }, () => dial());
    const other = dial(service.target, "192.0.2.8");
    const failures = (await Promise.all(burst)).map(failure);
    expect(failures).toEqual(["connected", "connected", "busy", "busy"]);
    (await upstreamOf(other)).terminate();
    for (const dialed of await Promise.all(burst)) if ("upstream" in dialed) dialed.upstream.terminate();
  });

  test("is never busy if maxPending is 0", async () => {
    using service = await startService();
    const { dial } = dialHouse(service.target, { maxPending: 0 });
    for (const upstream of await Promise.all([dial(), dial()].map(upstreamOf))) upstream.terminate();
  });

  test("is not begun if no descriptor is left", async () => {
    using service = await startService();
    const { dial, dialer } = dialHouse(service.target, { capacity: createCapacity(1) });
    const upstream = await upstreamOf(dial());
    expect(failure(await dial())).toBe("full");
    expect([dialer.pending, service.accepted]).toEqual([0, 1]);
    upstream.terminate();
  });

  test("times out, still counts as pending until the system has decided, and a late connection is cut", async () => {
    using service = await startService();
    const house = dialHouse(service.target);
    const dialing = house.dial();
    house.clock.advance(5_000);
    expect(await dialing).toEqual({ failure: "timeout", detail: "no answer in 5000 ms" });
    expect([house.dialer.pending, house.capacity.used]).toEqual([1, 1]);
    await expectNothingLeft(house, service);
  });

  test("waits as long as the system does if the timeout is 0", async () => {
    using service = await startService();
    const { clock, dial } = dialHouse(service.target, { timeout: 0 });
    const dialing = dial();
    clock.advance(1_000_000);
    (await upstreamOf(dialing)).terminate();
  });

  test("is given up if the client goes away meanwhile, and a late connection is cut", async () => {
    using service = await startService();
    const house = dialHouse(service.target);
    const dialing = house.dial();
    house.controller.abort();
    expect(failure(await dialing)).toBe("aborted");
    expect(house.clock.pending).toBe(0);
    await expectNothingLeft(house, service);
  });

  test("does not listen for the client any more once it is through", async () => {
    using service = await startService();
    const { controller, dial } = dialHouse(service.target);
    let listeners = 0;
    const { signal } = controller;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (type: string, listener: EventListener) => {
      listeners += 1;
      add(type, listener);
    };
    signal.removeEventListener = (type: string, listener: EventListener) => {
      listeners -= 1;
      remove(type, listener);
    };
    const upstream = await upstreamOf(dial());
    expect(listeners).toBe(0);
    upstream.terminate();
  });

  test("is not begun if the client is gone already", async () => {
    using service = await startService();
    const { controller, dial, capacity } = dialHouse(service.target);
    controller.abort();
    expect(failure(await dial())).toBe("aborted");
    expect([capacity.used, service.accepted]).toEqual([0, 0]);
  });
});

describe("an upstream", () => {
  test("tells of the target's FIN, and can still be written to", async () => {
    using service = await startService((peer) => peer.end());
    const upstream = await upstreamOf(dialHouse(service.target).dial());
    const handler = listening();
    upstream.data.handler = handler;
    upstream.resume();
    await eventually("the end", () => handler.told.includes("end"));
    upstream.write(Buffer.from("still here"));
    const peer = await service.next();
    await peer.has(10);
    expect(handler.told).toEqual(["end"]);
    upstream.terminate();
  });

  test("tells of a reset as broken, after what came before it, and gives its descriptor back", async () => {
    using service = await startService();
    const { capacity, dial } = dialHouse(service.target);
    const upstream = await upstreamOf(dial());
    const handler = listening();
    upstream.data.handler = handler;
    const peer = await service.next();
    await peer.write("last words");
    peer.reset();
    upstream.resume();
    await eventually("the end", () => handler.told.length === 2);
    expect(handler.told).toEqual(["data last words", "broken"]);
    expect(capacity.used).toBe(0);
  });

  test("is cut if its handler throws: it would have no owner, and its descriptor would never come back", async () => {
    using service = await startService((peer) => void peer.write("x"));
    const bugs: string[] = [];
    const { capacity, dial } = dialHouse(service.target, {
      onBug: (bug, of) => bugs.push(`${bug} of ${of}`),
    });
    const upstream = await upstreamOf(dial());
    const handler = listening({
      data: () => {
        throw new Error("a bug");
      },
    });
    upstream.data.handler = handler;
    upstream.resume();
    await (await service.next()).ended();
    expect(handler.told).toContain("broken");
    expect([capacity.used, bugs]).toEqual([0, [`Error: a bug of ${service.target}`]]);
  });
});
