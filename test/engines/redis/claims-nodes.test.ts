import { describe, expect } from "bun:test";
import { testClock } from "../../clock.ts";
import { claim, won } from "../../contracts/engine/harness.ts";
import { sharedRedis, startRedis } from "../../redis-house.ts";
import { requires } from "../../requires.ts";
import { startProxy } from "../../tcp-proxy.ts";
import { type LeaseNode, openNode, pass, settle } from "./leases-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");
const LEASE = 10_000;
const NAME = "/relay\0g1\0center";

async function twoNodes(url: string | undefined = undefined, more: { timeout?: number } = {}) {
  const clock = testClock();
  const at = url ?? (await redis()).url;
  const a = await openNode(at, { clock, lease: LEASE, ...more });
  const b = await openNode(at, { clock, lease: LEASE, ...more });
  return { clock, a, b, [Symbol.dispose]: () => [a, b].map((node) => node.die()) };
}

/** Of node `a`, whose way to Redis a test can hold. */
async function heldNodes() {
  const { port, url } = await redis();
  const clock = testClock();
  const way = await startProxy(port);
  const a = await openNode(`redis://${way.host}`, { clock, lease: LEASE });
  const b = await openNode(url, { clock, lease: LEASE });
  const dispose = () => {
    for (const node of [a, b]) node.die();
    way[Symbol.dispose]();
  };
  return { clock, way, a, b, [Symbol.dispose]: dispose };
}

const upAgain = ({ homes }: LeaseNode) => new Promise<void>((done) => homes.onUp(done));

describe("claims of several nodes", () => {
  test("gives a name to one node, and tells the other who has it", async () => {
    using nodes = await twoNodes();
    const first = won(await claim(nodes.a.engine, NAME, { holder: "a" }));
    expect((await claim(nodes.b.engine, NAME, { holder: "b" })).result).toEqual({ takenBy: "a" });
    first.release();
    await settle([nodes.a]);
    const second = won(await claim(nodes.b.engine, NAME, { holder: "b" }));
    expect(second.fence).toBeGreaterThan(first.fence);
  });

  test("keeps what a living node has for many leases, and renews it with one call", async () => {
    using nodes = await twoNodes();
    const { a, b, clock } = nodes;
    const names = Array.from({ length: 1_000 }, (_, n) => `n${n}`);
    const held = await Promise.all(names.map((name) => claim(a.engine, name)));
    const calls = async () => Number(/total_commands_processed:(\d+)/.exec(await info())?.[1]);
    const info = async () => String(await b.homes.of("x", "x").server.call("INFO", ["stats"]));
    const before = await calls();
    await pass(clock, 5 * LEASE, LEASE, [a, b]);
    expect((await calls()) - before).toBeLessThan(1_500);
    expect(held.every((attempt) => won(attempt).renew())).toBe(true);
    expect((await claim(b.engine, "n7", { holder: "b" })).result).toEqual({ takenBy: "a" });
  });

  test("frees the roles of a node that died within two leases", async () => {
    using nodes = await twoNodes();
    const { a, b, clock } = nodes;
    const first = won(await claim(a.engine, NAME));
    a.die();
    await pass(clock, LEASE - 1, LEASE, [b]);
    expect((await claim(b.engine, NAME)).result).toEqual({ takenBy: "a" });
    await pass(clock, LEASE, LEASE, [b]);
    expect(won(await claim(b.engine, NAME)).fence).toBeGreaterThan(first.fence);
  });

  test("frees the roles of a node that closes at once, and tells nobody of a loss", async () => {
    using nodes = await twoNodes();
    const { a, b } = nodes;
    const first = await claim(a.engine, NAME);
    await a.engine.close();
    won(await claim(b.engine, NAME));
    expect(first.losses).toEqual([]);
  });

  test("tells the holder on another node that its name was taken over", async () => {
    using nodes = await twoNodes();
    const { a, b } = nodes;
    const first = await claim(a.engine, NAME);
    const second = won(await claim(b.engine, NAME, { holder: "b", takeOver: true }));
    expect(await first.lost).toBe("taken");
    expect(won(first).renew()).toBe(false);
    expect(second.fence).toBeGreaterThan(won(first).fence);
    won(first).release();
    await settle([a]);
    expect((await claim(a.engine, NAME)).result).toEqual({ takenBy: "b" });
    expect(first.losses).toEqual(["taken"]);
  });

  test("gives up by its own clock what it could not renew, before another node may take it", async () => {
    using nodes = await heldNodes();
    const { a, b, clock, way } = nodes;
    const first = await claim(a.engine, NAME);
    way.hold();
    clock.advance(0.95 * LEASE - 1);
    expect([won(first).renew(), first.losses]).toEqual([true, []]);
    clock.advance(1);
    expect([won(first).renew(), first.losses]).toEqual([false, ["expired"]]);
    expect((await claim(b.engine, NAME, { holder: "b" })).result).toEqual({ takenBy: "a" });
    clock.advance(0.05 * LEASE);
    won(await claim(b.engine, NAME, { holder: "b" }));
    way.flow();
    expect((await claim(a.engine, NAME)).result).toEqual({ takenBy: "b" });
    expect(first.losses).toEqual(["expired"]);
  });

  test("knows at its first look that it was stopped for too long, whatever timer has run", async () => {
    const { url } = await redis();
    const clock = testClock();
    let slept = 0;
    using a = await openNode(url, { clock: { ...clock, now: () => clock.now() + slept }, lease: LEASE });
    const first = await claim(a.engine, NAME);
    slept = LEASE;
    expect(won(first).renew()).toBe(false);
  });

  test("drops what it no longer owns when it comes back, and can claim again", async () => {
    const { url } = await redis();
    const [mine, others] = [testClock(), testClock()];
    using a = await openNode(url, { clock: mine, lease: LEASE });
    using b = await openNode(url, { clock: others, lease: LEASE });
    const [first, kept] = [await claim(a.engine, NAME), await claim(a.engine, "other")];
    await pass(others, 2 * LEASE, LEASE, [b]);
    won(await claim(b.engine, NAME, { holder: "b" }));
    mine.advance(2 * LEASE);
    expect([first.losses, kept.losses]).toEqual([["expired"], ["expired"]]);
    expect((await claim(a.engine, NAME)).result).toEqual({ takenBy: "b" });
    won(await claim(a.engine, "other"));
  });

  test("answers engine_down while Redis is away, and keeps what it has until its lease is over", async () => {
    await using own = await startRedis();
    using nodes = await twoNodes(own.url, { timeout: 300 });
    const { a, b, clock } = nodes;
    const first = await claim(a.engine, NAME);
    await own.kill();
    expect((await claim(a.engine, "other")).result).toMatchObject({ code: "engine_down" });
    expect(won(first).renew()).toBe(true);
    const up = [upAgain(a), upAgain(b)];
    await own.restart();
    await Promise.all(up);
    await settle([a, b]);
    expect((await claim(b.engine, NAME, { holder: "b" })).result).toEqual({ takenBy: "a" });
    await pass(clock, 2 * LEASE, LEASE, [a, b]);
    expect([won(first).renew(), first.losses]).toEqual([true, []]);
  });

  test("gives back what it was given without hearing of it", async () => {
    const { port, url } = await redis();
    const clock = testClock();
    using way = await startProxy(port);
    using a = await openNode(`redis://${way.host}`, { clock, lease: LEASE, timeout: 200 });
    using b = await openNode(url, { clock, lease: LEASE });
    won(await claim(a.engine, "first"));
    way.stall();
    const up = upAgain(a);
    expect((await claim(a.engine, NAME)).result).toMatchObject({ code: "engine_down" });
    await up;
    await settle([a]);
    won(await claim(b.engine, NAME));
    expect((await claim(b.engine, "first")).result).toEqual({ takenBy: "a" });
  });
});

describe("claims after lost data", () => {
  test("are registered again, and fences go on growing", async () => {
    using nodes = await twoNodes();
    const { a, b, clock } = nodes;
    const first = await claim(a.engine, NAME);
    await redis();
    await pass(clock, LEASE / 2, LEASE, [a, b]);
    expect((await claim(b.engine, NAME)).result).toEqual({ takenBy: "a" });
    expect(won(first).renew()).toBe(true);
    const taken = await claim(b.engine, NAME, { takeOver: true });
    expect(won(taken).fence).toBeGreaterThan(won(first).fence);
    expect(await first.lost).toBe("taken");
  });

  test("are lost at once, if somebody was faster", async () => {
    using nodes = await twoNodes();
    const { a, b, clock } = nodes;
    const first = await claim(a.engine, NAME);
    clock.advance(1);
    await redis();
    const second = won(await claim(b.engine, NAME, { holder: "b" }));
    expect(await first.lost).toBe("expired");
    expect(second.fence).toBeGreaterThan(won(first).fence);
    expect((await claim(a.engine, NAME)).result).toEqual({ takenBy: "b" });
  });

  test("are lost, if somebody may have had the name since and nobody could say so", async () => {
    using nodes = await heldNodes();
    const { a, b, way, clock } = nodes;
    const first = await claim(a.engine, NAME);
    way.isShut = true;
    way.reset();
    clock.advance(1);
    await redis();
    won(await claim(b.engine, NAME)).release();
    way.isShut = false;
    expect(await first.lost).toBe("expired");
    won(await claim(a.engine, NAME));
  });

  test("leave no keys of the old generation behind", async () => {
    await using own = await startRedis({ keeps: "everysec" });
    using nodes = await twoNodes(own.url);
    const { a, b, clock } = nodes;
    await Promise.all(Array.from({ length: 500 }, (_, n) => claim(a.engine, `n${n}`)));
    const up = [upAgain(a), upAgain(b)];
    await own.restart();
    await Promise.all(up);
    await pass(clock, LEASE, LEASE, [a, b]);
    await a.engine.close();
    const keys = (await own.command("KEYS", "*")) as string[];
    expect(keys.filter((key) => !/:[nx]$/.test(key))).toEqual(["fairlead:{claims}"]);
    expect(keys.length).toBeLessThanOrEqual(3);
  });
});
