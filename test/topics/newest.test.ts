import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createNewest, type Key } from "../../src/topics/newest.ts";

interface Value {
  readonly key: Key;
  readonly number: number;
  readonly size: number;
}

const UNBOUND = { keys: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

/** Puts values 1, 2, 3 ... of a byte each. */
function house(bounds = UNBOUND) {
  const newest = createNewest<Value>(bounds);
  let number = 0;
  return {
    put(key: Key, size = 1): number[] {
      number += 1;
      return newest.put(key, { key, number, size }).map((gone) => gone.number);
    },
    rest(): number[] {
      const values: number[] = [];
      for (let next = newest.shift(); next !== undefined; next = newest.shift()) values.push(next.number);
      return values;
    },
  };
}

describe("the newest values", () => {
  test("come out in the order in which their keys began to wait", () => {
    const { put, rest } = house();
    expect([put("a"), put("b"), put("a"), put("c"), put("b")]).toEqual([[], [], [1], [], [2]]);
    expect(rest()).toEqual([3, 5, 4]);
    expect(rest()).toEqual([]);
  });

  test("begin to wait anew once they were taken", () => {
    const { put, rest } = house();
    put("a");
    put("b");
    expect(rest()).toEqual([1, 2]);
    put("b");
    put("a");
    expect(rest()).toEqual([3, 4]);
  });

  test("tell no key and one of that name apart", () => {
    const { put, rest } = house();
    const [one, other] = [Symbol("undefined"), Symbol("undefined")];
    for (const key of [undefined, "undefined", one, other, ""]) put(key);
    expect(put(undefined)).toEqual([1]);
    expect(rest()).toEqual([6, 2, 3, 4, 5]);
  });

  test("are at most so many keys: the longest waiting one gives way", () => {
    const { put, rest } = house({ ...UNBOUND, keys: 2 });
    expect([put("a"), put("b"), put("a"), put("c"), put("d")]).toEqual([[], [], [1], [3], [2]]);
    expect(rest()).toEqual([4, 5]);
  });

  test("are at most so many bytes: as many as needed give way, but never the value that has just come", () => {
    const { put, rest } = house({ ...UNBOUND, bytes: 10 });
    expect([put("a", 4), put("b", 3), put("c", 3)]).toEqual([[], [], []]);
    expect(put("a", 5)).toEqual([1, 2]);
    expect(put("a", 11)).toEqual([4, 3]);
    expect(put("d", 1)).toEqual([5]);
    expect(rest()).toEqual([6]);
  });
});

test("the newest values do what a list of them would, whatever comes and goes", () => {
  const max = { keys: 4, bytes: 20 };
  const step = fc.record({
    key: fc.constantFrom("a", "b", "c", "d", "e", "f", undefined),
    size: fc.integer({ min: 0, max: 25 }),
    shift: fc.constantFrom(0, 0, 0, 1, 2, 9),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
      const newest = createNewest<Value>(max);
      const model: Value[] = [];
      steps.forEach(({ key, size, shift }, number) => {
        const value = { key, number, size };
        expect(newest.put(key, value)).toEqual(putIntoList(model, value, max));
        for (let i = 0; i < shift; i += 1) expect(newest.shift()).toEqual(model.shift());
      });
    }),
    { numRuns: 300 },
  );
});

function putIntoList(list: Value[], value: Value, max: { keys: number; bytes: number }): Value[] {
  const gone: Value[] = [];
  const at = list.findIndex(({ key }) => key === value.key);
  if (at < 0) list.push(value);
  else gone.push(...list.splice(at, 1, value));
  const bytes = () => list.reduce((sum, { size }) => sum + size, 0);
  while (list.length > 1 && (list.length > max.keys || bytes() > max.bytes)) {
    gone.push(...list.splice(list[0] === value ? 1 : 0, 1));
  }
  return gone;
}
