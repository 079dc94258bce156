import { describe, expect } from "bun:test";
import { type RedisHouse, startRedis } from "../../../redis-house.ts";
import { requires } from "../../../requires.ts";
import { LEASE, send, twoNodes } from "./relay-house.ts";

const test = requires("redis-server");

describe("a relay whose Redis was killed and is back", () => {
  test("goes on where it was, if Redis loses nothing that it has answered", async () => {
    await using redis = await startRedis({ keeps: "always" });
    await using house = await twoNodes(redis.url);
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    center.say(send("a"));
    await center.heard();
    expect(await local.heard()).toEqual(['data 1 "a"']);
    await restart(redis, house);
    expect([center.conn.isOpen, local.conn.isOpen]).toEqual([true, true]);
    expect(await center.ask(send("b"))).toMatchObject({ t: "ok", seq: 2 });
    expect(await local.heard()).toEqual(['data 2 "b"']);
    local.say({ t: "ack", upto: 2 });
    expect(await center.heard()).toEqual(["receipt 1 delivered", "receipt 2 delivered"]);
  });

  test("begins anew if something may be lost: peers come back, sessions are gone, and the old keys are deleted", async () => {
    await using redis = await startRedis({ keeps: "everysec" });
    await using house = await twoNodes(redis.url, { session: { ttl: 0, max: 0 } });
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    await house.b.plain("center", "h");
    for (const idem of ["a", "b"]) center.say(send(idem));
    await house.rest();
    local.say({ t: "ack", upto: 1 });
    local.conn.leave(1006);
    await house.rest();
    const before = await relayKeys(redis);
    expect(before.length).toBeGreaterThan(8);
    await restart(redis, house);
    await house.pass(LEASE);
    expect(center.conn.ended?.code).toBe(1012);
    const again = await house.b.join("center", { session: center.session });
    expect(again.answer).toMatchObject({ code: "gone" });
    const after = await relayKeys(redis);
    expect(after.filter((key) => before.includes(key))).toEqual([]);
    expect((await house.b.join("center")).answer).toMatchObject({ t: "ok", partner: "offline" });
  });
});

async function restart(redis: RedisHouse, { a, b, pass }: Awaited<ReturnType<typeof twoNodes>>) {
  for (const node of [a, b]) await node.cut();
  await redis.restart();
  for (const node of [a, b]) await node.mend();
  await pass(LEASE / 2);
}

/** But for the homes themselves, which live on. */
async function relayKeys({ command }: RedisHouse): Promise<string[]> {
  const keys = (await command("KEYS", "*relay*")) as string[];
  return keys.filter((key) => /\}:[\w-]{12}:/.test(key)).sort();
}
