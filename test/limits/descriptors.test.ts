import { describe, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { createLingering, nofile, openDescriptors } from "../../src/limits/descriptors.ts";
import { createCapacity } from "../../src/limits.ts";
import { testClock } from "../clock.ts";
import { memoryLog, startGateway } from "../gateway.ts";

/** A process that may open 100; `open` is what the system counts. */
function lingeringHouse(open: number) {
  const clock = testClock();
  const house = { open, counts: 0 };
  const lingering = createLingering(clock, 100, () => {
    house.counts += 1;
    return house.open;
  });
  return Object.assign(house, { clock, lingering, capacity: createCapacity(80, lingering) });
}

describe("descriptors that were given back", () => {
  test("refuse others while they are held, if there are hardly any left", () => {
    const house = lingeringHouse(95);
    house.capacity.take(80);
    house.capacity.give(80);
    expect(house.capacity.take()).toBe(false);
    house.open = 20;
    house.clock.advance(1_000);
    expect(house.capacity.take()).toBe(true);
  });

  test("refuse nobody if the system says that they have gone", () => {
    const house = lingeringHouse(20);
    for (let n = 0; n < 1_000; n += 1) {
      expect(house.capacity.take()).toBe(true);
      house.capacity.give();
      house.clock.advance(20);
    }
  });

  test("refuse others once as many have come as were left when the system was asked, until it is again", () => {
    const house = lingeringHouse(60);
    house.lingering.add(100);
    const takes = () => Array.from({ length: 50 }, () => house.capacity.take()).filter(Boolean).length;
    expect(takes()).toBe(30);
    house.capacity.give(30);
    house.open = 89;
    house.clock.advance(1_000);
    expect(takes()).toBe(1);
  });

  test("are no matter while they would all fit, and the system is not even asked", () => {
    const house = lingeringHouse(100);
    house.capacity.take(40);
    house.capacity.give(40);
    expect(house.capacity.take(40)).toBe(true);
    expect(house.counts).toBe(0);
  });

  test("are forgotten after eight seconds at most, and not before four", () => {
    const house = lingeringHouse(100);
    house.lingering.add(80);
    house.clock.advance(3_999);
    expect(house.lingering.leaveNone(1, 10)).toBe(true);
    house.clock.advance(4_001);
    expect(house.lingering.leaveNone(1, 10)).toBe(false);
  });

  test("are counted by the system once a second at most", () => {
    const house = lingeringHouse(95);
    house.lingering.add(80);
    for (let n = 0; n < 100; n += 1) house.lingering.leaveNone(1, 0);
    house.clock.advance(1_000);
    house.lingering.leaveNone(1, 0);
    expect(house.counts).toBe(2);
  });
});

describe("the system", () => {
  test("says how many this process may open, and how many it has", () => {
    expect(nofile()).toBe(Number(Bun.spawnSync(["sh", "-c", "ulimit -n"]).stdout.toString()));
    const held = Array.from({ length: 300 }, () => openSync("/dev/null", "r"));
    expect(openDescriptors()).toBeWithin(300, 2_000);
    for (const descriptor of held) closeSync(descriptor);
  });
});

describe("at the start", () => {
  test.each([
    ["limits.connections is more than the process may open", nofile()],
    ["there is no cap at all", 0],
  ])("a line warns if %s", async (_, connections) => {
    const log = memoryLog();
    await using _gateway = await startGateway({}, { limits: { connections } }, { log });
    expect(log.lines).toContainEqual({
      level: "warn",
      text: "! more connections than descriptors",
      connections,
      nofile: nofile(),
    });
  });

  test("nothing is said of the default", async () => {
    const log = memoryLog();
    await using _gateway = await startGateway({}, {}, { log });
    expect(log.lines.filter(({ level }) => level === "warn")).toEqual([]);
  });
});
