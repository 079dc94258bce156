/** What a slow reader is told that it lost. */
import { expect, test } from "bun:test";
import { createRouteCounters } from "../../src/metrics.ts";
import { FanOut } from "../../src/topics/fan-out.ts";
import type { Gap } from "../../src/wire/v1.ts";
import { memoryLog } from "../gateway.ts";

const MARK = 100;

/** A reader off the native channel, whose peer takes nothing until the test says so. */
function slowReader(policy: "drop-oldest" | "latest") {
  const fanOut = new FanOut("t", {
    route: "/r",
    publisher: { publish() {} },
    counters: createRouteCounters("/r", "feed"),
    log: memoryLog(),
    policy,
    highWater: MARK,
  });
  fanOut.position = { epoch: "e", offset: 0 };
  const told: (number | Partial<Gap>)[] = [];
  let waiting = MARK + 1;
  const place = fanOut.join({
    id: "r",
    format: "v1",
    send: ({ offset }) => void told.push(offset),
    gap: ({ epoch, offset, from, to, latest }) =>
      void told.push(to === undefined ? { epoch, offset } : { epoch, from, to, latest }),
    buffered: () => waiting,
    close() {},
  });
  let [epoch, offset] = ["e", 0];
  return {
    turnEpoch() {
      [epoch, offset] = [`${epoch}+`, 0];
    },
    deliver(key: string, size = 10) {
      offset += 1;
      const data = key.padEnd(size, ".");
      fanOut.deliver({ topic: "t", epoch, offset, time: 0, size, data, json: false, key });
    },
    read(): typeof told {
      waiting = 0;
      fanOut.drain(place);
      return told;
    },
  };
}

test("under `latest` a gap names the first and the last that were lost, whichever key lost first", () => {
  const { deliver, read } = slowReader("latest");
  for (const key of ["a", "b", "c", "c", "a"]) deliver(key);
  expect(read()).toEqual([{ epoch: "e", from: 1, to: 5, latest: true }, 2, 4, 5]);
});

test("under `drop-oldest` a gap names what was lost, and what follows has no hole", () => {
  const { deliver, read } = slowReader("drop-oldest");
  for (let i = 0; i < 5; i += 1) deliver("a", 40);
  expect(read()).toEqual([{ epoch: "e", from: 1, to: 3, latest: undefined }, 4, 5]);
});

test("under `drop-oldest` a gap has the epoch of what was lost, if the topic has begun another since", () => {
  const { deliver, turnEpoch, read } = slowReader("drop-oldest");
  for (let i = 0; i < 3; i += 1) deliver("a", 40);
  turnEpoch();
  deliver("a");
  expect(read()).toEqual([
    { epoch: "e", from: 1, to: 1, latest: undefined },
    2,
    3,
    { epoch: "e+", offset: 0 },
    1,
  ]);
});

test("under `latest` what was lost of a new epoch is told behind that epoch, and the old one is not gone on with", () => {
  const { deliver, turnEpoch, read } = slowReader("latest");
  for (const key of ["a", "a", "b"]) deliver(key);
  turnEpoch();
  for (const key of ["c", "d", "d"]) deliver(key);
  expect(read()).toEqual([{ epoch: "e+", offset: 0 }, { epoch: "e+", from: 2, to: 3, latest: true }, 1, 3]);
});
