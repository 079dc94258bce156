import { describe, expect, test } from "bun:test";
import { createTally } from "../../src/limits/tally.ts";

describe("a tally", () => {
  test("refuses one more than the maximum, and only to that holder", () => {
    const tally = createTally(2);
    expect([tally.take("a"), tally.take("a"), tally.take("a"), tally.take("b")]).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });

  test("has room again when one is given back", () => {
    const tally = createTally(1);
    tally.take("a");
    tally.give("a");
    expect([tally.take("a"), tally.take("a")]).toEqual([true, false]);
  });

  test("forgets a holder with its last, so that strangers leave nothing behind", () => {
    const tally = createTally(2);
    for (let n = 0; n < 1000; n += 1) tally.take(`holder ${n}`);
    tally.take("holder 7");
    expect(tally.size).toBe(1000);
    for (let n = 0; n < 1000; n += 1) tally.give(`holder ${n}`);
    expect(tally.size).toBe(1);
    tally.give("holder 7");
    expect(tally.size).toBe(0);
  });

  test("is not confused by names that objects have", () => {
    const tally = createTally(1);
    for (const name of ["__proto__", "constructor", ""])
      expect([tally.take(name), tally.take(name)]).toEqual([true, false]);
  });

  test("counts nothing if the maximum is 0", () => {
    const tally = createTally(0);
    for (let n = 0; n < 1000; n += 1) expect(tally.take("a")).toBe(true);
    tally.give("a");
    expect(tally.size).toBe(0);
  });
});
