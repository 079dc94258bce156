/** What a slow reader is told that it lost. */
import { expect, test } from "bun:test";
import { FanOut } from "../src/fan-out.ts";
import { createRouteCounters } from "../src/metrics.ts";
import type { Gap } from "../src/wire/v1.ts";
import { memoryLog } from "./gateway.ts";

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
  const told: (number | Pick<Gap, "from" | "to" | "latest">)[] = [];
  let waiting = MARK + 1;
  const place = fanOut.join({
    id: "r",
    format: "v1",
    send: ({ offset }) => void told.push(offset),
    gap: ({ from, to, latest }) => void told.push({ from, to, latest }),
    buffered: () => waiting,
    close() {},
  });
  let offset = 0;
  return {
    deliver(key: string, size = 10) {
      offset += 1;
      const data = key.padEnd(size, ".");
      fanOut.deliver({ topic: "t", epoch: "e", offset, time: 0, size, data, json: false, key });
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
  expect(read()).toEqual([{ from: 1, to: 5, latest: true }, 2, 4, 5]);
});

test("under `drop-oldest` a gap names what was lost, and what follows has no hole", () => {
  const { deliver, read } = slowReader("drop-oldest");
  for (let i = 0; i < 5; i += 1) deliver("a", 40);
  expect(read()).toEqual([{ from: 1, to: 3, latest: undefined }, 4, 5]);
});
