import { describe, expect } from "bun:test";
import { MESSAGE_BYTES } from "../../../../src/relay/mailbox.ts";
import { sharedRedis } from "../../../redis-house.ts";
import { requires } from "../../../requires.ts";
import { relayNodes, send, twoNodes } from "./relay-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");
const url = async () => (await redis()).url;
const QUEUE = { size: 0, bytes: 0, total: 0, ttl: 0, plain: false };

describe("an absent partner at another node", () => {
  test("gets what waited when it comes, and is told how many", async () => {
    await using house = await twoNodes(await url());
    const center = await house.a.join("center");
    center.say(send("a"));
    center.say(send("b"));
    await house.rest();
    const local = await house.b.join("local");
    expect(local.answer).toMatchObject({ queued: 2 });
    expect(await local.heard()).toEqual(['data 1 "a"', 'data 2 "b"']);
    local.say({ t: "ack", upto: 1 });
    expect(await center.heard()).toEqual(["local online joined", "receipt 1 delivered"]);
  });

  test("does not get what waited longer than its ttl; the sender is told, late by at most 250 ms", async () => {
    await using house = await twoNodes(await url(), { queue: { ...QUEUE, size: 256, ttl: 30_000 } });
    const center = await house.a.join("center");
    center.say(send("short", { ttl: 1_000 }));
    center.say(send("long", { ttl: 90_000 }));
    await house.rest();
    await house.pass(999);
    expect(await center.heard()).toEqual([]);
    await house.pass(251);
    expect(await center.heard()).toEqual(["receipt 1 expired"]);
    await house.pass(28_750 + 250);
    expect(await center.heard()).toEqual(["receipt 2 expired"]);
    expect(await (await house.b.join("local")).heard()).toEqual([]);
    const { due, delivered, dropped } = house.tally();
    expect({ due, delivered, expired: dropped.expired }).toEqual({ due: 2, delivered: 0, expired: 2 });
  });

  test("does not get what was over when it came, though nobody has looked since", async () => {
    await using house = await twoNodes(await url());
    // It looks once when it begins.
    await house.b.join("local", { group: "other" });
    const center = await house.a.join("center");
    center.say(send("over", { ttl: 0 }));
    center.say(send("waits"));
    await house.rest();
    expect(await (await house.b.join("local")).heard()).toEqual(['data 2 "waits"']);
    expect(await center.heard()).toEqual(["local online joined", "receipt 1 expired"]);
  });

  test("does not get what came when the queue was full: the newest is dropped, and its sender told", async () => {
    await using house = await twoNodes(await url(), { queue: { ...QUEUE, size: 2 } });
    const center = await house.a.join("center");
    for (const idem of ["a", "b", "c"]) center.say(send(idem));
    expect(await center.heard()).toEqual(["receipt 3 dropped"]);
    expect(await (await house.b.join("local")).heard()).toEqual(['data 1 "a"', 'data 2 "b"']);
    expect(house.tally().dropped.full).toBe(1);
  });

  for (const [bound, bytes] of [
    ["bytes", 200],
    ["total", 200 + MESSAGE_BYTES],
  ] as const)
    test(`finds the queue full by its ${bound} too`, async () => {
      await using house = await twoNodes(await url(), { queue: { ...QUEUE, [bound]: bytes } });
      const center = await house.a.join("center");
      center.say(send("a", { data: "x".repeat(100) }));
      center.say(send("b", { data: "x".repeat(100) }));
      expect(await center.heard()).toEqual(["receipt 2 dropped"]);
    });

  test("finds room again in queue.total once somebody has acknowledged", async () => {
    const total = 2 * (MESSAGE_BYTES + 40);
    await using house = await twoNodes(await url(), { queue: { ...QUEUE, total } });
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    for (const idem of ["a", "b", "c", "d"]) center.say(send(idem, { data: "" }));
    const heard = await center.heard();
    expect(heard.filter((line) => line.endsWith("dropped")).length).toBeGreaterThan(0);
    local.say({ t: "ack", upto: 1 });
    await house.rest();
    await center.heard();
    center.say(send("e", { data: "" }));
    expect((await local.heard()).at(-1)).toBe('data 5 ""');
  });
});

describe("a receiver that does not acknowledge", () => {
  test("is handed as much as a queue holds, then as much waits, then the newest is dropped", async () => {
    await using house = await twoNodes(await url(), { queue: { ...QUEUE, size: 2 } });
    const [center, local] = [await house.a.join("center"), await house.b.join("local")];
    await center.heard();
    for (const idem of ["a", "b", "c", "d", "e"]) center.say(send(idem));
    expect(await local.heard()).toEqual(['data 1 "a"', 'data 2 "b"']);
    expect(await center.heard()).toEqual(["receipt 5 dropped"]);
    local.say({ t: "ack", upto: 1 });
    expect(await local.heard()).toEqual(['data 3 "c"']);
    expect(await center.heard()).toEqual(["receipt 1 delivered"]);
  });
});

test("what clients say passes letter for letter: bytes, JSON, halves of characters, names with quotes", async () => {
  await using house = relayNodes(await url());
  const [a, b] = [await house.node(), await house.node()];
  const [center, local] = [await a.join("center"), await b.join("local")];
  await center.heard();
  const half = '"\\ud800 \\u0000 \\u2028 é 漢"';
  center.conn.say(`{"t":"send","id":5,"idem":"é漢","data":${half}}`);
  center.conn.say('{"t":"send","id":6,"idem":"\\"q\\"","data":{"n":[1,{"x":null}]}}');
  const header = '{"t":"send","id":9,"idem":"a"}';
  center.conn.say(
    Buffer.concat([Buffer.from([0, header.length]), Buffer.from(header), Buffer.from([0, 255, 34])]),
  );
  await house.rest();
  const frames = local.conn.take();
  expect(JSON.parse(String(frames[0]))["data"]).toBe(JSON.parse(half).toWellFormed());
  expect(String(frames[1])).toContain('"data":{"n":[1,{"x":null}]}');
  expect([...Buffer.from(frames[2] ?? "")].slice(-3)).toEqual([0, 255, 34]);
  local.say({ t: "ack", upto: 3 });
  const receipts = (await center.told()).filter(({ t }) => t === "receipt");
  expect(receipts.map(({ idem }) => idem)).toEqual(["é漢", '"q"', "a"]);
});
