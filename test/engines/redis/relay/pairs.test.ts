import { describe, expect } from "bun:test";
import { sharedRedis } from "../../../redis-house.ts";
import { requires } from "../../../requires.ts";
import { relayNodes } from "./relay-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");
const send = (idem: string, more = {}) => ({ t: "send", idem, data: idem, ...more });

describe("a relay on two nodes: two peers of fairlead.v1", () => {
  test("are told of each other, with what they said about themselves", async () => {
    await using house = relayNodes((await redis()).url);
    const [a, b] = [await house.node(), await house.node()];
    const center = await a.join("center", { info: { name: "pump" } });
    expect(center.answer).toMatchObject({ t: "ok", partner: "offline", queued: 0 });
    expect(center.session).toMatch(/^[\w-]{22}$/);
    const local = await b.join("local");
    expect(local.answer).toMatchObject({ partner: "online", info: { name: "pump" } });
    expect(await center.told()).toEqual([{ t: "peer", role: "local", state: "online", reason: "joined" }]);
    expect(await local.ask({ t: "leave" })).toMatchObject({ t: "ok" });
    expect(await center.heard()).toEqual(["local offline left"]);
  });

  test("exchange messages: ok, data, and a receipt when it was acknowledged", async () => {
    await using house = relayNodes((await redis()).url);
    const [a, b] = [await house.node(), await house.node()];
    const [center, local] = [await a.join("center"), await b.join("local")];
    await center.told();
    expect(await center.ask(send("a", { data: { n: 1 } }))).toMatchObject({
      t: "ok",
      seq: 1,
      state: "queued",
    });
    expect(await local.told()).toEqual([{ t: "data", seq: 1, from: "center", data: { n: 1 } }]);
    expect(await center.heard()).toEqual([]);
    center.say(send("b"));
    expect(await local.heard()).toEqual(['data 2 "b"']);
    local.say({ t: "ack", upto: 2 });
    expect(await center.heard()).toEqual(["receipt 1 delivered", "receipt 2 delivered"]);
    expect(a.counters).toMatchObject({ due: 2, delivered: 2 });
  });
});
