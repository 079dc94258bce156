import { describe, expect, onTestFinished, test } from "bun:test";
import { bridgeOptions } from "../../src/config/kinds/bridge.ts";
import { createCapacity } from "../../src/limits.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import type { Admission, AdmitRequest, Route } from "../../src/route.ts";
import { createBridge } from "../../src/routes/bridge.ts";
import { eventually } from "../calm.ts";
import { testClock } from "../clock.ts";
import { connect, memoryLog } from "../gateway.ts";
import { ask, dial, head, upgrade } from "../raw-client.ts";
import { serveRoute } from "../serve-route.ts";
import { closedTarget, roundTrip, startService, type TcpPeer } from "../tcp-service.ts";
import { bridgeHouse } from "./bridge-house.ts";

/** The route alone, behind the real listener, with a clock that the test moves and a say in how it admits. */
function servedBridge(
  target: string,
  input: object,
  wrap: (bridge: Route, clock: ReturnType<typeof testClock>) => Partial<Route>,
) {
  const [clock, log, capacity] = [testClock(), memoryLog(), createCapacity(0)];
  const options = bridgeOptions.parse({ kind: "bridge", target, ...input });
  const counters = createRouteCounters("/x/:name", "bridge");
  const bridge = createBridge({ options, counters, capacity, clock, log, route: "/x/:name" });
  const served = serveRoute({ ...bridge, ...wrap(bridge, clock) });
  return { ...served, bridge, clock, log, upstreams: capacity };
}

const X = { path: "/x/a" } as const;

describe("a handshake on a bridge", () => {
  test("is refused with 502 if the target refuses, and the log names the target", async () => {
    const target = await closedTarget();
    const log = memoryLog();
    await using house = await bridgeHouse({ target }, { parts: { log } });
    const { status, body } = await ask(house.gateway.host, { path: "/bridge" });
    expect([status, body.split(":")[0]]).toEqual([502, "upstream_refused"]);
    expect(log.lines).toContainEqual(
      expect.objectContaining({
        level: "warn",
        route: "/bridge",
        target,
        reason: "refused",
        detail: "ECONNREFUSED",
      }),
    );
    await house.expectCalm();
  });

  test("is refused with 504 if the target does not answer within dialTimeout, and a late answer is cut", async () => {
    using service = await startService();
    const served = servedBridge(service.target, { dialTimeout: "3s" }, (bridge, clock) => ({
      admit(request: AdmitRequest) {
        const admission = bridge.admit?.(request);
        clock.advance(3_000);
        return admission ?? { admitted: {} };
      },
    }));
    const { status, body } = await ask(served.host, X);
    expect([status, body.split(":")[0]]).toEqual([504, "upstream_timeout"]);
    expect(served.log.lines).toContainEqual(
      expect.objectContaining({ target: service.target, reason: "timeout" }),
    );
    await (await service.next()).ended();
    expect([served.upstreams.used, served.capacity.used]).toEqual([0, 0]);
    expect(served.bridge.stats()).toMatchObject({ upstreams: 0, dialing: 0 });
  });

  test("is refused with 503 if dialPending dials are under way", async () => {
    using service = await startService();
    const first = Promise.withResolvers<Admission | undefined>();
    const served = servedBridge(service.target, { dialPending: 1 }, (bridge) => ({
      admit(request: AdmitRequest) {
        first.resolve(bridge.admit?.(request));
        return bridge.admit?.(request) ?? { admitted: {} };
      },
    }));
    const { status, body, headers } = await ask(served.host, X);
    expect([status, body.split(":")[0], headers.get("retry-after")]).toEqual([503, "upstream_busy", "5"]);
    const admission = await first.promise;
    if (admission !== undefined && "admitted" in admission) admission.admitted.release?.();
    expect(served.bridge.stats()).toMatchObject({ upstreams: 0, dialing: 0 });
  });

  test("is refused with 503 if no descriptor is left for the upstream", async () => {
    await using house = await bridgeHouse({}, { config: { limits: { connections: 1 } } });
    const { status, body } = await ask(house.gateway.host, { path: "/bridge" });
    expect([status, body.split(":")[0]]).toEqual([503, "full"]);
    expect(house.service.accepted).toBe(0);
    await house.expectCalm();
  });

  test("costs two descriptors, and both are given back", async () => {
    await using house = await bridgeHouse();
    const { client } = await house.join();
    expect(await house.gateway.metric("fairlead_descriptors_used")).toBe(2);
    client[Symbol.dispose]();
    await house.expectCalm();
  });

  test("is a line in the log that names the target", async () => {
    const log = memoryLog();
    await using house = await bridgeHouse({}, { parts: { log } });
    await house.join();
    const { target } = house.service;
    expect(log.lines).toContainEqual(
      expect.objectContaining({ text: "connected", route: "/bridge", target }),
    );
  });

  test("leaves nothing if the client goes away before the dial", async () => {
    using service = await startService();
    const served = servedBridge(service.target, {}, (bridge) => ({
      async admit(request: AdmitRequest) {
        await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
        return bridge.admit?.(request) ?? { admitted: {} };
      },
    }));
    const client = await dial(served.host);
    client.write(head(X));
    await eventually("the request is there", () => served.capacity.used === 1);
    client.reset();
    await eventually("the descriptor is back", () => served.capacity.used === 0);
    expect([served.upstreams.used, service.accepted]).toEqual([0, 0]);
    expect(served.log.lines.filter(({ level }) => level === "warn")).toEqual([]);
  });

  test("leaves nothing if the client goes away when the target has answered", async () => {
    using service = await startService();
    const served = servedBridge(service.target, {}, (bridge) => ({
      async admit(request: AdmitRequest) {
        const admission = await bridge.admit?.(request);
        await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
        return admission ?? { admitted: {} };
      },
    }));
    const client = await dial(served.host);
    client.write(head(X));
    const peer = await service.next();
    client.reset();
    await peer.ended();
    await eventually("both descriptors are back", () => served.capacity.used + served.upstreams.used === 0);
    expect(served.bridge.stats()).toMatchObject({ upstreams: 0, dialing: 0 });
  });

  test.each([
    ["FIN", (peer: TcpPeer) => peer.end(), "last words", 1000],
    // The runtime may throw away what a reset follows on the heels, so there is nothing to promise of the words.
    ["a reset", (peer: TcpPeer) => peer.reset(), undefined, 1014],
  ])(
    "is answered if the target goes with %s between the dial and the upgrade",
    async (_, go, words, code) => {
      using service = await startService();
      const served = servedBridge(service.target, { halfCloseTimeout: "20ms" }, (bridge) => ({
        async admit(request: AdmitRequest) {
          const admission = await bridge.admit?.(request);
          const peer = await service.next();
          await peer.write("last words");
          go(peer);
          await roundTrip();
          return admission ?? { admitted: {} };
        },
      }));
      using client = await upgrade(served.host, X);
      if (words !== undefined) {
        expect((await client.next()).payload.toString()).toBe(words);
        await eventually("the silence is awaited", () => served.clock.pending > 0);
        served.clock.advance(40);
      }
      expect((await client.ending()).code).toBe(code);
      await eventually("the descriptor is back", () => served.upstreams.used === 0);
    },
  );
});

describe("the end of the route", () => {
  async function lingering() {
    const service = await startService((peer) => peer.stay());
    onTestFinished(() => service[Symbol.dispose]());
    const served = servedBridge(service.target, {}, () => ({}));
    const client = await upgrade(served.host, X);
    const peer = await service.next();
    client[Symbol.dispose]();
    await peer.ended();
    return { ...served, peer };
  }

  test("waits for targets to answer our FIN, because one that still sends would be reset", async () => {
    const { bridge, peer, upstreams } = await lingering();
    const disposed = bridge.dispose();
    expect(upstreams.used).toBe(1);
    peer.end();
    await disposed;
    expect([upstreams.used, bridge.stats()["upstreams"]]).toEqual([0, 0]);
  });

  test("closes those that do not within a second", async () => {
    const { bridge, clock, upstreams } = await lingering();
    const disposed = bridge.dispose();
    clock.advance(1_000);
    await disposed;
    expect([upstreams.used, bridge.stats()["upstreams"]]).toEqual([0, 0]);
  });
});

describe("the subprotocol of a bridge", () => {
  test.each([
    ["binary", [], "binary"],
    ["base64, binary", [], "binary"],
    ["mqtt", ["mqtt"], "mqtt"],
    ["mqtt, binary", ["mqtt"], "mqtt"],
    ["binary, mqtt", ["mqtt"], "binary"],
    ["mqtt", [], null],
    ["base64", ["mqtt"], null],
    [null, ["mqtt"], null],
  ])("offered %p, accepted beside binary %p: %p is chosen", async (offered, subprotocols, chosen) => {
    await using house = await bridgeHouse({ subprotocols });
    const headers = { "Sec-WebSocket-Protocol": offered };
    using client = await dial(house.gateway.host);
    client.write(head({ path: "/bridge", headers }));
    const answer = await client.answer();
    expect([answer.status, answer.headers.get("sec-websocket-protocol")]).toEqual([101, chosen]);
  });

  test("lets an ordinary client through that offers one we take", async () => {
    await using house = await bridgeHouse();
    using client = await connect(house.gateway.ws("/bridge"), ["binary"]);
    expect(client.socket.protocol).toBe("binary");
  });
});
