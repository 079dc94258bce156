import { expect, test } from "bun:test";
import type { Publisher } from "../../src/connection.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import { FanOut } from "../../src/topics/fan-out.ts";
import { V1Reader } from "../../src/topics/hub.ts";
import { bareConnection } from "../fake-connection.ts";
import { memoryLog } from "../gateway.ts";
import { fanOutHouse, flood } from "./fan-out-house.ts";

const MARK = 1024;

test("tells who keeps up what the engine lost, before the next message, and a new epoch at once", () => {
  const frames: unknown[] = [];
  const publisher: Publisher = { publish: (_channel, data) => void frames.push(JSON.parse(String(data))) };
  const counters = createRouteCounters("/feed", "feed");
  const options = { route: "/feed", publisher, counters, log: memoryLog(), highWater: MARK };
  const fanOut = new FanOut("t", { ...options, policy: "close" });
  fanOut.position = { epoch: "e", offset: 3 };
  fanOut.join(new V1Reader(bareConnection("c1", { subscribe() {} }), () => {}, { size: 1 }));
  fanOut.skip({ epoch: "e", offset: 7 });
  fanOut.deliver({ topic: "t", epoch: "e", offset: 8, time: 0, size: 1, data: "x", json: false });
  fanOut.skip({ epoch: "f", offset: 0 });
  expect(frames).toEqual([
    { t: "gap", topic: "t", epoch: "e", offset: 7, from: 4, to: 7, reason: "expired" },
    expect.objectContaining({ t: "msg", offset: 8 }),
    { t: "gap", topic: "t", epoch: "f", offset: 0, reason: "epoch" },
  ]);
  expect(fanOut.position).toEqual({ epoch: "f", offset: 0 });
});

test("tells who lags one gap from where it stands, and counts what waited for it as dropped", () => {
  const house = fanOutHouse("drop-oldest", MARK);
  const slow = house.join();
  slow.stall();
  flood(house, MARK);
  house.publish();
  const had = slow.got.length;
  const waiting = house.fanOut.queued;
  expect(waiting).toBeGreaterThan(0);
  const { offset } = house.fanOut.position;
  const dropped = house.counters.dropped.slow;
  house.fanOut.skip({ epoch: "e", offset: offset + 5 });
  expect(house.counters.dropped.slow - dropped).toBe(waiting);
  slow.drain();
  house.publish({ position: { epoch: "e", offset: offset + 6 } });
  expect(slow.gaps).toEqual([expect.objectContaining({ from: had + 1, to: offset + 5, epoch: "e" })]);
  expect(slow.got.length).toBe(had + 1);
  expect(house.unaccounted()).toBe(0);
});
