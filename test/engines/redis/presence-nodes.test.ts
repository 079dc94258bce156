import { describe, expect } from "bun:test";
import { testClock } from "../../clock.ts";
import { sharedRedis, startRedis } from "../../redis-house.ts";
import { requires } from "../../requires.ts";
import { startProxy } from "../../tcp-proxy.ts";
import { isUp, openNode, pass, passUntil, settle } from "./leases-house.ts";
import { conns, look, who } from "./presence-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");
const LEASE = 10_000;

/** Node `a` has a way to Redis that a test can hold or cut. */
async function twoNodes(port?: number) {
  const at = port ?? (await redis()).port;
  const clock = testClock();
  const way = await startProxy(at);
  const a = await openNode(`redis://${way.host}`, { clock, lease: LEASE, timeout: 5_000 });
  const b = await openNode(`redis://127.0.0.1:${at}`, { clock, lease: LEASE, timeout: 5_000 });
  const views = { a: look(a.presence, "t"), b: look(b.presence, "t") };
  await settle([a, b]);
  const dispose = () => {
    for (const node of [a, b]) node.die();
    way[Symbol.dispose]();
  };
  return { clock, way, a, b, views, [Symbol.dispose]: dispose };
}

describe("presence on several nodes", () => {
  test("lists the members of all nodes in one order, and tells each change once everywhere", async () => {
    using nodes = await twoNodes();
    const { a, b, clock, views } = nodes;
    a.presence.join("t", who("n-10"), 0);
    await passUntil(clock, [b], views.b.until(1));
    b.presence.join("t", who("m-2"), 0);
    await passUntil(clock, [a], views.a.until(2));
    a.presence.leave("t", "n-10");
    await passUntil(clock, [b], views.b.until(1));
    a.presence.join("t", who("n-1"), 0);
    await passUntil(clock, [a, b], Promise.all([views.a.until(2), views.b.until(2)]));
    expect([await conns(a.presence, "t"), await conns(b.presence, "t")]).toEqual([
      ["m-2", "n-1"],
      ["m-2", "n-1"],
    ]);
    expect(views.a.told).toEqual(["+n-10 1", "+m-2 2", "-n-10 1", "+n-1 2"]);
    expect(views.b.told).toEqual(views.a.told);
  });

  test("has in the list or tells who joins and leaves while a watch begins, each once", async () => {
    using nodes = await twoNodes();
    const { a, b } = nodes;
    for (let n = 0; n < 500; n++) a.presence.join("u", who(`n-${n}`), 0);
    await a.presence.list("u", { limit: 0 });
    const view = look(b.presence, "u");
    const listed = conns(b.presence, "u");
    for (let n = 500; n < 600; n++) a.presence.join("u", who(`n-${n}`), 0);
    for (let n = 0; n < 500; n += 2) a.presence.leave("u", `n-${n}`);
    const there = new Set(await listed);
    a.presence.join("u", who("last"), 0);
    await passUntil(nodes.clock, [a, b], view.has("last"));
    for (const told of view.told) {
      const conn = told.slice(1).split(" ")[0] ?? "";
      if (told.startsWith("+")) there.add(conn);
      else there.delete(conn);
    }
    const stay = Array.from({ length: 250 }, (_, n) => `n-${2 * n + 1}`);
    const came = Array.from({ length: 100 }, (_, n) => `n-${n + 500}`);
    expect([...there].sort()).toEqual([...stay, ...came, "last"].sort());
    expect(new Set(view.told.map((told) => told.split(" ")[0])).size).toBe(view.told.length);
  });

  test("lets all members of a node that closes leave at once", async () => {
    using nodes = await twoNodes();
    const { a, b, clock, views } = nodes;
    for (const conn of ["n-1", "n-2"]) a.presence.join("t", who(conn), 0);
    await passUntil(clock, [b], views.b.until(2));
    await a.engine.close();
    await passUntil(clock, [b], views.b.until(0));
    expect([views.b.told.length, views.b.wrong]).toEqual([4, []]);
    expect(await conns(b.presence, "t")).toEqual([]);
  });

  test("lets ten thousand members of a node that died leave within two leases, each told once", async () => {
    const { port, url } = await redis();
    using nodes = await twoNodes(port);
    const { a, b, clock, views } = nodes;
    using c = await openNode(url, { clock, lease: LEASE, timeout: 5_000 });
    const third = look(c.presence, "t");
    await settle([c]);
    b.presence.join("t", who("stays"), 0);
    for (let n = 0; n < 10_000; n++) a.presence.join("t", who(`n-${n.toString(36)}`), 0);
    await passUntil(clock, [a, b, c], Promise.all([views.b.until(10_001), third.until(10_001)]));
    expect((await conns(c.presence, "t")).length).toBe(10_001);
    a.die();
    await pass(clock, LEASE / 2, LEASE, [b, c]);
    expect(views.b.members.size).toBe(10_001);
    await pass(clock, (3 * LEASE) / 2, LEASE, [b, c]);
    expect((await conns(c.presence, "t")).length).toBeLessThan(10_001);
    await passUntil(clock, [b, c], Promise.all([views.b.until(1), third.until(1)]));
    expect([views.b.wrong, third.wrong, views.b.told.length, third.told.length]).toEqual([
      [],
      [],
      20_001,
      20_001,
    ]);
    expect(await conns(b.presence, "t")).toEqual(["stays"]);
  });

  test("tells one leave and then one join of a member whose node was held up and came back", async () => {
    const { url } = await redis();
    const [mine, others] = [testClock(), testClock()];
    using a = await openNode(url, { clock: mine, lease: LEASE });
    using b = await openNode(url, { clock: others, lease: LEASE });
    const views = [look(a.presence, "t"), look(b.presence, "t")] as const;
    await settle([a, b]);
    a.presence.join("t", who("n-1"), 0);
    await passUntil(others, [b], views[1].until(1));
    await pass(others, 2 * LEASE, LEASE, [b]);
    await passUntil(others, [b], views[1].until(0));
    mine.advance(2 * LEASE);
    await settle([a]);
    await passUntil(others, [b], views[1].until(1));
    expect(views[1].told).toEqual(["+n-1 1", "-n-1 0", "+n-1 1"]);
    await passUntil(mine, [a], views[0].until(1));
    expect(views[0].wrong).toEqual([]);
    expect(await conns(a.presence, "t")).toEqual(["n-1"]);
  });
});

describe("presence and a Redis that fails", () => {
  test("makes good what a node missed and did while its link was cut", async () => {
    using nodes = await twoNodes();
    const { a, b, clock, way, views } = nodes;
    for (const conn of ["n-1", "n-2"]) a.presence.join("t", who(conn), 0);
    b.presence.join("t", who("m-1"), 0);
    await passUntil(clock, [a, b], Promise.all([views.a.until(3), views.b.until(3)]));
    way.isShut = true;
    way.reset();
    await expect(a.presence.list("t", { limit: 1 })).rejects.toMatchObject({ code: "ENGINE_DOWN" });
    a.presence.leave("t", "n-1");
    a.presence.join("t", who("n-3"), 0);
    b.presence.leave("t", "m-1");
    b.presence.join("t", who("m-2"), 0);
    b.presence.join("t", who("m-3"), 0);
    await passUntil(clock, [b], views.b.has("m-3"));
    way.isShut = false;
    await isUp(a);
    await passUntil(clock, [a, b], Promise.all([views.a.has("n-3", "m-3"), views.b.has("n-3", "m-3")]));
    expect([views.a.wrong, views.b.wrong]).toEqual([[], []]);
    for (const view of [views.a, views.b])
      expect([...view.members].sort()).toEqual(["m-2", "m-3", "n-2", "n-3"]);
    expect(await conns(b.presence, "t")).toEqual(["m-2", "m-3", "n-2", "n-3"]);
  });

  test("tells nobody anything, if all data is lost and all nodes live", async () => {
    using nodes = await twoNodes();
    const { a, b, clock, views } = nodes;
    for (const conn of ["n-1", "n-2"]) a.presence.join("t", who(conn), 0);
    b.presence.join("t", who("m-1"), 0);
    await passUntil(clock, [a, b], Promise.all([views.a.until(3), views.b.until(3)]));
    await redis();
    await pass(clock, 2 * LEASE, LEASE, [a, b]);
    expect(await conns(a.presence, "t")).toEqual(["m-1", "n-1", "n-2"]);
    expect([views.a.told.length, views.b.told.length]).toEqual([3, 3]);
    a.presence.join("t", who("n-3"), 0);
    await passUntil(clock, [b], views.b.until(4));
    expect([views.a.wrong, views.b.wrong]).toEqual([[], []]);
  });

  test("tells the leave of one whose node died as all data was lost", async () => {
    using nodes = await twoNodes();
    const { a, b, clock, views } = nodes;
    a.presence.join("t", who("n-1"), 0);
    b.presence.join("t", who("m-1"), 0);
    await passUntil(clock, [b], views.b.until(2));
    a.die();
    await redis();
    await pass(clock, 2 * LEASE, LEASE, [b]);
    await passUntil(clock, [b], views.b.until(1));
    expect(views.b.told.at(-1)).toBe("-n-1 1");
    expect(views.b.wrong).toEqual([]);
  });

  test("brings all members back after Redis was killed, and leaves no keys when all have left", async () => {
    await using own = await startRedis({ keeps: "everysec" });
    using nodes = await twoNodes(own.port);
    const { a, b, clock, views } = nodes;
    for (let n = 0; n < 500; n++) a.presence.join(`u${n}`, who("n-1"), 0);
    b.presence.join("t", who("m-1"), 0);
    await Promise.all([passUntil(clock, [a, b], views.a.until(1)), a.presence.list("u1", { limit: 1 })]);
    await own.kill();
    a.presence.leave("u7", "n-1");
    a.presence.join("t", who("n-2"), 0);
    await expect(b.presence.list("t", { limit: 1 })).rejects.toMatchObject({ code: "ENGINE_DOWN" });
    await own.restart();
    await Promise.all([isUp(a), isUp(b)]);
    await pass(clock, 2 * LEASE, LEASE, [a, b]);
    expect(await conns(b.presence, "u7")).toEqual([]);
    expect(await conns(b.presence, "u8")).toEqual(["n-1"]);
    expect(await conns(b.presence, "t")).toEqual(["m-1", "n-2"]);
    for (const view of [views.a, views.b])
      expect([[...view.members], view.wrong]).toEqual([["m-1", "n-2"], []]);
    await a.engine.close();
    await b.engine.close();
    const keys = (await own.command("KEYS", "*")) as string[];
    expect(keys.map((key) => key.split(":").slice(3).join(":")).filter((key) => key !== "x")).toEqual([""]);
  });
});
