import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createShares } from "../../src/limits/shares.ts";

/** Takes what is too much away, as its owner does; what it was, in order. */
function trim<T>(shares: ReturnType<typeof createShares<T>>): T[] {
  const gone: T[] = [];
  for (let item = shares.excess(); item !== undefined; item = shares.excess()) {
    shares.delete(item);
    gone.push(item);
  }
  return gone;
}

/** Items like a1, of the holder that they begin with. */
function filled(options: { max?: number; total?: number }, items: Readonly<Record<string, number>>) {
  const shares = createShares<string>({ max: 0, total: 0, ...options });
  for (const [item, weight] of Object.entries(items)) shares.add(item, item[0] ?? "", weight);
  return shares;
}

describe("what gives way", () => {
  test("if there are too many is the oldest of whoever has the most", () => {
    expect(trim(filled({ max: 4 }, { a1: 0, b1: 0, b2: 0, b3: 0, c1: 0 }))).toEqual(["b1"]);
    expect(trim(filled({ max: 2 }, { a1: 0, b1: 0, b2: 0, b3: 0, c1: 0 }))).toEqual(["b1", "b2", "a1"]);
  });

  test("if it weighs too much is the oldest that weighs anything, of whoever has the heaviest", () => {
    expect(trim(filled({ total: 10 }, { a1: 4, b1: 0, b2: 5, b3: 1 }))).toEqual([]);
    expect(trim(filled({ total: 9 }, { a1: 4, b1: 0, b2: 5, b3: 1 }))).toEqual(["b2"]);
  });

  test("is the oldest of all if they have one holder", () => {
    expect(trim(filled({ max: 1 }, { a1: 0, a2: 0, a3: 0 }))).toEqual(["a1", "a2"]);
  });

  test("is nothing without bounds", () => {
    expect(trim(filled({}, { a1: 1e9, a2: 1e9 }))).toEqual([]);
  });

  test("is seen when something grows, and no more when it has shrunk or gone", () => {
    const shares = filled({ total: 10 }, { a1: 4, b1: 5 });
    shares.weigh("a1", 7);
    expect(shares.excess()).toBe("a1");
    shares.weigh("a1", 5);
    expect([shares.excess(), shares.count, shares.weight]).toEqual([undefined, 2, 10]);
    shares.delete("b1");
    shares.weigh("b1", 99);
    shares.delete("b1");
    expect([shares.excess(), shares.count, shares.weight]).toEqual([undefined, 1, 5]);
  });
});

test("whatever a stranger leaves, one with less than a fair share loses nothing", () => {
  const arrivals = fc.array(fc.constantFrom("x", "x", "x", "y", "z"), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(arrivals, fc.integer({ min: 1, max: 12 }), (names, max) => {
      const shares = createShares<{ name: string }>({ max, total: 0 });
      const held = new Map<string, number>();
      const count = (name: string, change: number) => held.set(name, (held.get(name) ?? 0) + change);
      for (const name of names) {
        shares.add({ name }, name, 0);
        count(name, 1);
        const before = new Map(held);
        for (const { name: gone } of trim(shares)) {
          expect(before.get(gone)).toBe(Math.max(...before.values()));
          count(gone, -1);
        }
        expect(shares.count).toBeLessThanOrEqual(max);
      }
    }),
  );
});
