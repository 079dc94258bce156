/** The list of members together with what is told on top of it: nobody in the list may leave unheard. */
import { expect } from "bun:test";
import { testClock } from "../../clock.ts";
import { sharedRedis } from "../../redis-house.ts";
import { requires } from "../../requires.ts";
import { startProxy } from "../../tcp-proxy.ts";
import { isUp, openNode, passUntil, settle } from "./leases-house.ts";
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
