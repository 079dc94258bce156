import { expect } from "bun:test";
import { createRevocations as createMemory } from "../../../src/auth/revocations.ts";
import { type Clock, systemClock } from "../../../src/clock.ts";
import type { RedisOptions } from "../../../src/config/engine.ts";
import type { Fault } from "../../../src/engines/in-process/down.ts";
import { createRevocations } from "../../../src/engines/redis/revocations.ts";
import type { Identity, Revocation } from "../../../src/identity.ts";
import type { RevocationMemory } from "../../../src/shared-revocations.ts";
import { eventually } from "../../calm.ts";
import { testClock } from "../../clock.ts";
import { sharedRedis, startRedis } from "../../redis-house.ts";
import { requires } from "../../requires.ts";
import { startProxy } from "../../tcp-proxy.ts";
import { openHomes } from "./homes-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");

const LEASE_MS = 100;

interface NodeOptions extends Partial<RedisOptions> {
  readonly clock?: Clock;
  readonly max?: number;
  readonly ttl?: number;
}

async function openNode(
  url: string,
  { max = 1_000, ttl = 60_000, clock = systemClock, ...options }: NodeOptions = {},
) {
  const { homes } = await openHomes(url, options);
  const faults: Fault[] = [];
  const report = (fault: Fault) => void faults.push(fault);
  const shared = createRevocations({ homes, clock, lease: LEASE_MS, report });
  const memory = createMemory({ max, ttl }, systemClock);
  const taken: number[] = [];
  const kept: RevocationMemory = {
    max,
    all: memory.all,
    take: (several) => void taken.push(memory.take(several)),
  };
  shared.keep(kept);
  return {
    homes,
    memory,
    shared,
    faults,
    /** How many each telling said that were new. */
    taken,
    async revoke(what: Revocation) {
      memory.revoke(what);
      const revocation = memory.find(what);
      return revocation !== undefined && shared.share(revocation);
    },
    knows: (what: Revocation) => memory.isRevoked(identityOf(what)),
    /** All that was revoked before this is known. */
    settled: async () => {
      const isRead = async () => ((await shared.settled()) ?? true) && shared.settled() === undefined;
      await eventually("all revocations are read", isRead);
    },
    [Symbol.dispose]() {
      shared.close();
      homes.close();
    },
  };
}

const identityOf = (what: Revocation): Identity => ({ user: null, by: "token", issuedAt: 0, ...what });
const alice: Revocation = { user: "alice" };
const token: Revocation = { tokenId: "t-1" };

test("tells other nodes that are there, each once", async () => {
  const { url } = await redis();
  using a = await openNode(url);
  using b = await openNode(url);
  await Promise.all([a.settled(), b.settled()]);
  expect(await a.revoke(alice)).toBe(true);
  expect(await a.revoke(token)).toBe(true);
  await eventually("b knows both", () => b.knows(alice) && b.knows(token));
  expect(b.memory.isRevoked({ user: "alice", by: "token", issuedAt: Date.now() + 60_000 })).toBe(false);
  expect(b.memory.find(alice)?.until).toBe(a.memory.find(alice)?.until ?? 0);
  await eventually("a has heard of its own", () => a.taken.length >= 2);
  expect(a.taken.filter((news) => news > 0)).toEqual([]);
  expect(b.taken.filter((news) => news > 0)).toEqual([1, 1]);
});

test("a node that starts later knows them all before it trusts anybody", async () => {
  const { url } = await redis();
  using a = await openNode(url, { ttl: 0 });
  await a.settled();
  const all = Array.from({ length: 1_000 }, (_, n): Revocation => ({ user: `u${n}` }));
  await Promise.all(all.map(a.revoke));
  using b = await openNode(url);
  await b.settled();
  expect(all.filter((what) => !b.knows(what))).toEqual([]);
  expect(b.memory.find({ user: "u7" })?.left).toBe(Number.POSITIVE_INFINITY);
});

test("keeps names to the letter, whatever stands in them", async () => {
  const { url } = await redis();
  using a = await openNode(url);
  const names = ["a b", "a\nb\n1 2 uc", "\ud800", "ü€😀", "__proto__", '"', "1 2 ux"];
  await Promise.all(names.map((user) => a.revoke({ user })));
  using b = await openNode(url);
  await b.settled();
  expect(names.filter((user) => !b.knows({ user }))).toEqual([]);
  expect(b.memory.all().length).toBe(names.length);
  a.memory.revoke({ tokenId: "x\ny" });
  await a.revoke({ tokenId: "x\ny" });
  await eventually("it is told", () => b.knows({ tokenId: "x\ny" }));
  expect(b.memory.all().length).toBe(names.length + 1);
});

test("a node whose link was cut meanwhile trusts nobody again until it knows what was revoked", async () => {
  const { url, port } = await redis();
  using way = await startProxy(port);
  using a = await openNode(url);
  using b = await openNode(`redis://${way.host}`, { timeout: 200 });
  await Promise.all([a.settled(), b.settled()]);
  way.isShut = true;
  way.reset();
  await eventually("its link is down", () => b.homes.problem !== undefined);
  await a.revoke(alice);
  // Cut off, it goes on with what it knows.
  expect(b.shared.settled()).toBeUndefined();
  expect(b.knows(alice)).toBe(false);
  const settled = Promise.withResolvers<boolean | undefined>();
  b.homes.onUp(() => void Promise.resolve(b.shared.settled()).then(settled.resolve));
  way.isShut = false;
  expect(await settled.promise).toBe(true);
  expect(b.knows(alice)).toBe(true);
});

test("what is revoked while Redis is away holds here at once, and elsewhere when it is back", async () => {
  await using own = await startRedis();
  using a = await openNode(own.url);
  using b = await openNode(own.url);
  await Promise.all([a.settled(), b.settled()]);
  await own.kill();
  await expect(a.revoke(alice)).rejects.toMatchObject({ code: "ENGINE_DOWN" });
  expect(a.knows(alice)).toBe(true);
  await own.restart();
  await eventually("b knows it", () => b.knows(alice));
  using c = await openNode(own.url);
  await c.settled();
  expect(c.knows(alice)).toBe(true);
});

test("what Redis has lost is given back by a node that remembers it", async () => {
  const house = await redis();
  using a = await openNode(house.url);
  await a.settled();
  await a.revoke(alice);
  await house.flush();
  const isBack = async () => {
    using later = await openNode(house.url);
    await later.settled();
    return later.knows(alice);
  };
  await eventually("a node that starts learns it again", isBack);
});

test("a telling that was lost is noticed by the next one, and without one within a lease", async () => {
  const { url } = await redis();
  using a = await openNode(url);
  using b = await openNode(url);
  // It never looks by itself.
  using c = await openNode(url, { clock: testClock() });
  await Promise.all([a.settled(), b.settled(), c.settled()]);
  const home = a.homes.of("revocations", "");
  const put = async (name: string) => {
    await home.server.call("HSET", [`${home.base}:all`, name, `${Date.now()} 0`]);
    await home.server.call("INCR", [`${home.base}:version`]);
  };
  await put('u"lost"');
  await a.revoke(alice);
  await eventually("both are known", () => c.knows({ user: "lost" }) && c.knows(alice));
  await put('t"quiet"');
  await eventually("the third is known", () => b.knows({ tokenId: "quiet" }));
});

test("a node that cannot read them at its start says that nothing is known, until it can", async () => {
  await using own = await startRedis();
  await own.kill();
  using a = await openNode(own.url, { timeout: 100 });
  expect(await a.shared.settled()).toBe(false);
  await own.restart();
  await a.settled();
});

test("takes no more than may be kept, and what has ended makes room", async () => {
  const { url } = await redis();
  using a = await openNode(url, { max: 2, ttl: 150 });
  using b = await openNode(url, { max: 2, ttl: 60_000 });
  await Promise.all([a.settled(), b.settled()]);
  expect(await a.revoke(alice)).toBe(true);
  expect(await b.revoke(token)).toBe(true);
  await eventually("a knows both", () => a.knows(token));
  const third = { what: { user: "bob" }, until: Date.now(), left: 60_000 };
  expect(await b.shared.share(third)).toBe(false);
  // One that is kept already needs no room.
  expect(await b.revoke(token)).toBe(true);
  await eventually("the first has ended", async () => b.shared.share(third));
});

test("an entry never gets weaker", async () => {
  const { url } = await redis();
  using a = await openNode(url);
  await a.settled();
  const now = Date.now();
  for (const [until, left] of [
    [now, 60_000],
    [now - 5_000, Number.POSITIVE_INFINITY],
    [now - 5_000, 10],
  ] as const)
    await a.shared.share({ what: alice, until, left });
  using b = await openNode(url);
  await b.settled();
  expect(b.memory.find(alice)).toEqual({ what: alice, until: now, left: Number.POSITIVE_INFINITY });
});

test("passes over what it cannot read of another version", async () => {
  const { url } = await redis();
  using a = await openNode(url);
  await a.revoke(alice);
  const home = a.homes.of("revocations", "");
  for (const [name, entry] of [
    ["u{", "1 0"],
    ["u7", "1 0"],
    ['x"a"', "1 0"],
    ['u"b"', "soon"],
  ] as const)
    await home.server.call("HSET", [`${home.base}:all`, name, entry]);
  await home.server.call("PUBLISH", [`${home.base}:told`, "what"]);
  using b = await openNode(url);
  await b.settled();
  expect(b.memory.all().map(({ what }) => what)).toEqual([alice]);
  expect([a.faults, b.faults]).toEqual([[], []]);
});

test("a node that stood still trusts nobody until it knows what was revoked; otherwise nobody waits for a look", async () => {
  const { url } = await redis();
  const clock = testClock();
  let stood = 0;
  using a = await openNode(url, { clock: { ...clock, now: () => clock.now() + stood } });
  await a.settled();
  clock.advance(LEASE_MS);
  expect(a.shared.settled()).toBeUndefined();
  stood = 3 * LEASE_MS;
  clock.advance(LEASE_MS);
  expect(a.shared.settled()).toBeInstanceOf(Promise);
  await a.settled();
});
