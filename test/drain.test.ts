import { beforeEach, describe, expect, test } from "bun:test";
import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import { type Drainable, drainAll } from "../src/drain.ts";
import { createGateway } from "../src/gateway.ts";
import { eventually, expectEcho } from "./calm.ts";
import { type TestClock, testClock } from "./clock.ts";
import { connect, memoryLog, startGateway, type TestGateway } from "./gateway.ts";
import { ask, dial, head, type RawClient, upgrade } from "./raw-client.ts";

describe("drainAll", () => {
  let clock: TestClock;
  let start: number;
  beforeEach(() => {
    clock = testClock();
    start = clock.now();
  });

  /** Closes when it is asked `asks` times; says at which time, and how. */
  function peer(asks = 1): Drainable & { ended: string | undefined; at: number } {
    let asked = 0;
    return {
      ended: undefined,
      at: Number.NaN,
      get isOpen() {
        return this.ended === undefined;
      },
      announce() {},
      finish() {
        asked += 1;
        if (asked < asks) return;
        this.ended = "closed";
        this.at = clock.now() - start;
      },
      terminate() {
        this.ended = "terminated";
        this.at = clock.now() - start;
      },
    };
  }
  const peers = (count: number, asks?: number) => Array.from({ length: count }, () => peer(asks));

  async function drain(list: readonly Drainable[], window: number): Promise<void> {
    const drained = drainAll(list, window, clock);
    clock.advance(window + 10);
    await drained;
    expect(clock.pending).toBe(0);
  }

  test("is done at once if nobody is there", async () => {
    await drainAll([], 10_000, clock);
    expect(clock.pending).toBe(0);
  });

  test("closes a single connection at once, whatever the window", async () => {
    const only = peer();
    await drainAll([only], 3_600_000, clock);
    expect([only.ended, only.at]).toEqual(["closed", 0]);
  });

  test("closes as many in the window, if a busy process has a tenth of the ticks", async () => {
    const list = peers(1_000);
    const busy = { ...clock, every: (ms: number, run: () => void) => clock.every(ms * 10, run) };
    const drained = drainAll(list, 2_000, busy);
    clock.advance(2_000);
    await drained;
    expect(list.filter(({ ended }) => ended === "terminated")).toEqual([]);
    for (const half of [0, 1_000])
      expect(list.filter(({ at }) => at >= half && at < half + 1_000).length).toBeGreaterThan(400);
  });

  test.each([
    [2, 20],
    [100, 1_000],
    [500, 5_000],
  ])("closes %d within %d ms of a long window: at least 100 a second", async (count, within) => {
    const list = peers(count);
    await drain(list, 60_000);
    expect(list.every(({ ended }) => ended === "closed")).toBe(true);
    expect(Math.max(...list.map(({ at }) => at))).toBeLessThanOrEqual(within);
  });

  test("spreads many evenly over the window", async () => {
    const list = peers(10_000);
    await drain(list, 10_000);
    for (let second = 0; second < 10; second += 1) {
      const closed = list.filter(({ at }) => at >= second * 1_000 && at < (second + 1) * 1_000);
      expect(closed.length).toBeGreaterThan(900);
      expect(closed.length).toBeLessThan(1_110);
    }
    expect(list.every(({ ended }) => ended === "closed")).toBe(true);
  });

  test("closes in an order that has nothing to do with that of arrival", async () => {
    const list = peers(1_000);
    await drain(list, 10_000);
    const late = list.slice(0, 500).filter(({ at }) => at > 5_000);
    expect(late.length).toBeGreaterThan(150);
    expect(late.length).toBeLessThan(350);
  });

  test("asks again until what waits has gone, and holds up nobody else meanwhile", async () => {
    const slow = peer(50);
    const list = [slow, ...peers(99)];
    await drain(list, 10_000);
    expect(slow.ended).toBe("closed");
    expect(list.every(({ at }) => at <= 2_000)).toBe(true);
  });

  test("terminates who still holds something at the end of the window", async () => {
    const stuck = peer(Number.POSITIVE_INFINITY);
    await drain([stuck, ...peers(10)], 3_000);
    expect(stuck.ended).toBe("terminated");
    expect(stuck.at).toBeGreaterThanOrEqual(3_000);
    expect(stuck.at).toBeLessThanOrEqual(3_020);
  });

  test("ends everybody, one way or the other, if the window is 0", async () => {
    const list = [...peers(500), peer(Number.POSITIVE_INFINITY)];
    await drain(list, 0);
    expect(list.every(({ isOpen }) => !isOpen)).toBe(true);
  });

  test("does not wait for connections that others closed", async () => {
    const gone = peer();
    gone.ended = "gone";
    await drainAll([gone], 10_000, clock);
    expect(clock.pending).toBe(0);
  });
});

const WELCOME = "x".repeat(16 * 1024 ** 2);
const routes = {
  "/echo": { kind: "echo", welcome: false },
  "/full": { kind: "echo", welcome: WELCOME },
} as const;

/** Sockets of this process, both ends of a connection counted. */
function openSockets(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    const path = `/proc/self/fd/${fd}`;
    // The descriptor of the listing itself is gone by now.
    return lstatSync(path, { throwIfNoEntry: false }) && readlinkSync(path).startsWith("socket:");
  }).length;
}

/** A client that has stopped reading in the middle of a welcome that no kernel buffer holds. */
async function stuck(gateway: TestGateway): Promise<RawClient> {
  const client = await upgrade(gateway.host, { path: "/full" });
  client.pause();
  return client;
}

describe("stop", () => {
  test("closes everybody with 1012, resolves, and leaves no descriptor open", async () => {
    const before = openSockets();
    const gateway = await startGateway(routes, { drain: { window: 2_000 } });
    const clients = await Promise.all(Array.from({ length: 60 }, () => connect(gateway.ws("/echo"))));
    const start = performance.now();
    await gateway.gateway.stop();
    expect(performance.now() - start).toBeLessThan(1_900);
    const endings = await Promise.all(clients.map(({ closed }) => closed));
    expect(new Set(endings.map(({ code, reason }) => `${code} ${reason}`))).toEqual(
      new Set(["1012 service restart"]),
    );
    await eventually("descriptors", () => openSockets() <= before);
    expect(dial(gateway.host)).rejects.toThrow();
  });

  test("gives the same promise twice", async () => {
    await using gateway = await startGateway(routes);
    expect(gateway.gateway.stop()).toBe(gateway.gateway.stop());
  });

  test("resolves for a gateway that never started", async () => {
    await createGateway({ log: { level: "silent" }, routes }).stop();
  });

  test("turns readyz and upgrades away while connections are still served", async () => {
    await using gateway = await startGateway(routes, { drain: { delay: 400, window: 100 } });
    using client = await upgrade(gateway.host);
    const stopped = gateway.gateway.stop();
    expect((await fetch(gateway.http("/readyz"))).status).toBe(503);
    expect((await fetch(gateway.http("/healthz"))).status).toBe(200);
    const { status, headers, body } = await ask(gateway.host);
    expect([status, headers.get("retry-after"), body.split(":")[0]]).toEqual([503, "5", "draining"]);
    await expectEcho(client, "still served");
    expect((await client.ending()).code).toBe(1012);
    await stopped;
  });

  test("hands over all that waits for a reader that is slow, then closes with 1012", async () => {
    await using gateway = await startGateway(routes, { drain: { window: 3_000 } });
    using client = await stuck(gateway);
    const stopped = gateway.gateway.stop();
    client.resume();
    expect((await client.next()).payload).toHaveLength(WELCOME.length);
    expect(await client.ending()).toEqual({ code: 1012, reason: "service restart" });
    await stopped;
  });

  test("terminates a reader that never reads, at the deadline, and counts it as 1012", async () => {
    const log = memoryLog();
    await using gateway = await startGateway(routes, { drain: { window: 300 } }, { log });
    using _client = await stuck(gateway);
    const start = performance.now();
    await gateway.gateway.stop();
    expect(performance.now() - start).toBeGreaterThan(290);
    expect(performance.now() - start).toBeLessThan(1_000);
    expect(log.lines).toContainEqual(expect.objectContaining({ text: "goodbye", code: 1012, local: true }));
  });

  test("does not wait for clients in the middle of a handshake", async () => {
    await using gateway = await startGateway(routes, { drain: { window: 300 } });
    using silent = await dial(gateway.host);
    using half = await dial(gateway.host);
    half.write(head().slice(0, 30));
    await ask(gateway.host, { path: "/nope" });
    const start = performance.now();
    await gateway.gateway.stop();
    expect(performance.now() - start).toBeLessThan(1_000);
    expect(silent.waiting).toBe(0);
  });
});
