import { describe, expect, test } from "bun:test";
import { createMemory, type Laggard } from "../../src/limits/memory.ts";
import { testClock } from "../clock.ts";
import { memoryLog } from "../gateway.ts";

const MIB = 1024 ** 2;

interface Reader extends Laggard {
  readonly name: string;
  readonly code: number | undefined;
}

/** A process of `base` bytes beside what waits for its readers; `garbage` is gone after a collection. */
function memoryHouse(max: number, base = 0) {
  const [clock, log] = [testClock(), memoryLog()];
  const readers: Reader[] = [];
  const house = { base, garbage: 0, collections: 0, looks: 0, late: 0 };
  const held = () =>
    readers.filter(({ code }) => code === undefined).reduce((sum, r) => sum + r.buffered(), 0);
  const memory = createMemory({
    max,
    resident() {
      house.looks += 1;
      return house.base + house.garbage + house.late + held();
    },
    collect() {
      house.collections += 1;
      house.garbage = 0;
    },
    laggards: () => readers.filter(({ code }) => code === undefined),
    clock,
    log,
  });
  memory.start();
  const reader = (name: string, bytes: number) => {
    let code: number | undefined;
    readers.push({
      name,
      get code() {
        return code;
      },
      buffered: () => bytes,
      terminate(given) {
        code = given;
      },
    });
  };
  const cut = () => readers.filter(({ code }) => code === 1013).map(({ name }) => name);
  const tick = (ms = 25) => clock.advance(ms);
  return Object.assign(house, { clock, log, memory, reader, cut, tick });
}

describe("the memory mark", () => {
  test("leaves everybody alone below it", () => {
    const house = memoryHouse(100 * MIB, 50 * MIB);
    house.reader("slow", 49 * MIB);
    house.tick(60_000);
    expect([house.memory.isOver, house.cut(), house.collections, house.log.lines]).toEqual([
      false,
      [],
      0,
      [],
    ]);
  });

  test("is looked at every 25 ms, and not before it starts or after it stops", () => {
    const house = memoryHouse(100 * MIB);
    house.tick(1_000);
    expect(house.looks).toBe(40);
    house.memory.start();
    house.memory.stop();
    expect(house.clock.pending).toBe(0);
  });

  test("is off if it is 0", () => {
    expect(memoryHouse(0, 100 * MIB).clock.pending).toBe(0);
  });

  test("cuts who lags most, one after another, and no more than it takes", () => {
    const house = memoryHouse(100 * MIB, 60 * MIB);
    for (const [name, mib] of Object.entries({ a: 5, b: 20, c: 1, d: 15, e: 8 }))
      house.reader(name, mib * MIB);
    house.tick();
    expect(house.cut()).toEqual(["b"]);
    expect(house.memory.shed).toBe(1);
    house.tick(1_000);
    expect([house.cut(), house.memory.isOver]).toEqual([["b"], false]);
  });

  test("counts what was cut as gone until it is given back, and asks for it with a collection", () => {
    const house = memoryHouse(100 * MIB, 60 * MIB);
    for (const name of ["a", "b", "c"]) house.reader(name, 15 * MIB);
    house.tick();
    expect([house.cut().length, house.collections]).toEqual([1, 2]);
    house.base = 75 * MIB;
    house.tick();
    expect([house.cut().length, house.collections]).toEqual([2, 2]);
    house.late = 15 * MIB;
    house.tick(50);
    expect([house.cut().length, house.collections]).toEqual([2, 2]);
    house.tick(25);
    expect([house.cut().length, house.collections]).toEqual([2, 3]);
    house.tick(25);
    expect(house.cut()).toHaveLength(3);
  });

  test("goes on as long as memory goes up", () => {
    const house = memoryHouse(100 * MIB, 90 * MIB);
    for (let n = 0; n < 40; n += 1) {
      house.reader(`${n}`, MIB);
      house.tick(100);
      const left = n + 1 - house.cut().length;
      expect(left).toBeLessThanOrEqual(13);
    }
    expect(house.memory.shed).toBe(house.cut().length);
  });

  test("is over until 5 % below, so that it does not flutter", () => {
    const house = memoryHouse(100 * MIB, 100 * MIB);
    house.tick();
    expect(house.memory.isOver).toBe(true);
    house.base = 96 * MIB;
    house.tick();
    expect(house.memory.isOver).toBe(true);
    house.base = 94 * MIB;
    house.tick();
    expect(house.memory.isOver).toBe(false);
    house.base = 99 * MIB;
    house.tick();
    expect(house.memory.isOver).toBe(false);
  });

  test("cuts nobody for what was garbage, and asks for that every 10 s at most", () => {
    const house = memoryHouse(100 * MIB, 60 * MIB);
    house.reader("slow", 20 * MIB);
    house.garbage = 50 * MIB;
    house.tick();
    expect([house.cut(), house.collections]).toEqual([[], 1]);
    house.base = 200 * MIB;
    house.tick(9_975);
    const cutting = 1;
    expect([house.cut(), house.collections]).toEqual([["slow"], 1 + cutting]);
    house.tick(25);
    expect(house.collections).toBe(2 + cutting);
  });

  test("cuts nobody for whom next to nothing waits, whatever else fills the memory", () => {
    const house = memoryHouse(100 * MIB, 200 * MIB);
    house.reader("quick", 16 * 1024 - 1);
    house.reader("idle", 0);
    house.tick(60_000);
    expect([house.cut(), house.memory.isOver]).toEqual([[], true]);
  });

  test("is told once a minute while it is passed", () => {
    const house = memoryHouse(100 * MIB, 150 * MIB);
    house.tick(59_975);
    expect(house.log.lines).toEqual([
      {
        level: "warn",
        text: "! over the memory mark: new connections are refused",
        resident: 150 * MIB,
        max: 100 * MIB,
        shed: 0,
      },
    ]);
    house.tick(50);
    expect(house.log.lines).toHaveLength(2);
  });
});
