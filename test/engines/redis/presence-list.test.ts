/** The list of members together with what is told on top of it: nobody in the list may leave unheard. */
import { expect } from "bun:test";
import { testClock } from "../../clock.ts";
import { sharedRedis } from "../../redis-house.ts";
import { startReplayingProxy } from "../../replaying-proxy.ts";
import { requires } from "../../requires.ts";
import { startProxy } from "../../tcp-proxy.ts";
import { isUp, openNode, pass, passUntil, settle } from "./leases-house.ts";
import { conns, look, who } from "./presence-house.ts";

const redis = sharedRedis();
const test = requires("redis-server");

test("tells the leave of whoever was in the list, if Redis was away when the watch began", async () => {
  const { port } = await redis();
  const clock = testClock();
  using way = await startProxy(port);
  using a = await openNode(`redis://${way.host}`, { clock, lease: 10_000, timeout: 5_000 });
  using b = await openNode(`redis://127.0.0.1:${port}`, { clock, lease: 10_000, timeout: 5_000 });
  for (const conn of ["m-1", "m-2"]) b.presence.join("t", who(conn), 0);
  expect(await conns(b.presence, "t")).toEqual(["m-1", "m-2"]);
  way.isShut = true;
  way.reset();
  await expect(a.presence.list("t", { limit: 1 })).rejects.toMatchObject({ code: "ENGINE_DOWN" });
  const view = look(a.presence, "t", ["m-1", "m-2"]);
  await expect(a.presence.list("t", { limit: 1 })).rejects.toMatchObject({ code: "ENGINE_DOWN" });
  way.isShut = false;
  await isUp(a);
  expect(await conns(a.presence, "t")).toEqual(["m-1", "m-2"]);
  way.hold();
  b.presence.leave("t", "m-1");
  await settle([b]);
  way.flow();
  await passUntil(clock, [a, b], view.until(1));
  expect([view.told, view.wrong]).toEqual([["-m-1 1"], []]);
});

test("has those whose nodes have not registered them again yet, if all data was lost", async () => {
  const { url, flush } = await redis();
  const clock = testClock();
  using a = await openNode(url, { clock, lease: 10_000, timeout: 5_000 });
  using b = await openNode(url, { clock, lease: 10_000, timeout: 5_000 });
  const view = look(a.presence, "t");
  await settle([a, b]);
  for (const conn of ["m-1", "m-12", "m-2"]) b.presence.join("t", who(conn), 0);
  await passUntil(clock, [a, b], view.until(3));
  await flush();
  a.presence.join("t", who("a-3"), 0);
  await passUntil(clock, [a], view.until(4));
  expect(await conns(a.presence, "t")).toEqual(["a-3", "m-1", "m-2", "m-12"]);
  const page = await a.presence.list("t", { after: "a-4", limit: 2 });
  expect(page.members.map(({ conn }) => conn)).toEqual(["m-1", "m-2"]);
  expect([page.total, page.complete]).toEqual([4, false]);
  expect((await a.presence.list("t", { after: "m-2", limit: 2 })).complete).toBe(true);
  await pass(clock, 20_000, 10_000, [a, b]);
  expect(await conns(a.presence, "t")).toEqual(["a-3", "m-1", "m-2", "m-12"]);
  expect([view.told.length, view.wrong]).toEqual([4, []]);
});

test("tells the leave of whoever was in the list, if the node heard nothing of both", async () => {
  const { port } = await redis();
  const clock = testClock();
  using way = await startReplayingProxy(port);
  using a = await openNode(`redis://127.0.0.1:${way.port}`, { clock, lease: 10_000, timeout: 5_000 });
  using b = await openNode(`redis://127.0.0.1:${port}`, { clock, lease: 10_000, timeout: 5_000 });
  const view = look(a.presence, "t");
  b.presence.join("t", who("m-1"), 0);
  await settle([a, b]);
  way.replay = () => [];
  b.presence.join("t", who("m-2"), 0);
  await settle([b]);
  expect(await conns(a.presence, "t")).toEqual(["m-1", "m-2"]);
  b.presence.leave("t", "m-2");
  await settle([b]);
  await passUntil(clock, [a, b], view.until(view.told.includes("+m-1 1") ? 1 : 0));
  expect(view.told.slice(-2)).toEqual(["+m-2 2", "-m-2 1"]);
});
