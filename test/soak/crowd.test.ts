import { describe, expect, test } from "bun:test";
import { createCrowd } from "../../soak/crowd.ts";
import type { Station } from "../../soak/station.ts";
import { numbers } from "../../soak/stations/plain.ts";
import { eventually } from "../calm.ts";

/** A station that notes who comes, speaks and goes. */
function noting(visits: number, period = 100) {
  const counts = { joined: 0, left: 0, said: 0 };
  const station: Station = {
    name: "noting",
    clients: 2,
    visits,
    period,
    async join() {
      counts.joined += 1;
      return {
        say: () => void counts.said++,
        leave: async () => void counts.left++,
      };
    },
    accounts: () => [],
  };
  return { station, counts };
}

const never = (text: string) => {
  throw new Error(text);
};

describe("a crowd", () => {
  test("is as large as its stations at that scale, and at least one visit each", async () => {
    const [large, small] = [noting(120), noting(1)];
    const crowd = createCrowd({
      stations: [large.station, small.station],
      scale: 0.5,
      churn: 0,
      fault: never,
    });
    await crowd.gather();
    expect([large.counts.joined, small.counts.joined, crowd.clients]).toEqual([60, 1, 122]);
    await crowd.disperse();
    expect([large.counts.left, small.counts.left, crowd.clients]).toEqual([60, 1, 0]);
  });

  test("speaks in turn and churns while it goes, and does neither once it is held", async () => {
    const { station, counts } = noting(10);
    const crowd = createCrowd({ stations: [station], scale: 1, churn: 200, fault: never });
    await crowd.gather();
    crowd.go();
    await eventually("words and churn", () => counts.said > 30 && crowd.churned > 30);
    await crowd.hold();
    const held = { ...counts };
    expect(counts.joined - counts.left).toBe(10);
    await Bun.sleep(150);
    expect(counts).toEqual(held);
  });

  test("tells a join that failed", async () => {
    const { station } = noting(1);
    const faults: string[] = [];
    let fails = false;
    const failing: Station = {
      ...station,
      join: (fault) => (fails ? Promise.reject(new Error("no room")) : station.join(fault)),
    };
    const crowd = createCrowd({
      stations: [failing],
      scale: 1,
      churn: 100,
      fault: (text) => void faults.push(text),
    });
    await crowd.gather();
    fails = true;
    crowd.go();
    await eventually("the fault", () => faults.length > 0);
    await crowd.hold();
    expect(faults[0]).toBe("Error: no room");
  });
});

test("numbers that were given back are taken again before new ones", () => {
  const places = numbers();
  expect([places.take(), places.take(), places.take()]).toEqual([0, 1, 2]);
  places.give(1);
  expect([places.take(), places.take()]).toEqual([1, 3]);
});
