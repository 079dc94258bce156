import { describe, expect, test } from "bun:test";
import { IDEM_MARGIN_MS } from "../../src/engine.ts";
import { createIdemTable, GONE, goneError, type IdemBounds, idemKey } from "../../src/topics/idem.ts";
import { testClock } from "../clock.ts";

const TTL = 300_000;

function scene(bounds?: IdemBounds) {
  const clock = testClock();
  return { clock, table: createIdemTable<number>(clock, bounds) };
}

describe("what is known", () => {
  test("answers what was kept until its ttl is over, and takes it for new after that", () => {
    const { clock, table } = scene();
    table.keep("a", 1);
    clock.advance(TTL - 1);
    expect(table.look("a", undefined)).toBe(1);
    expect(table.look("a", TTL - 1)).toBe(1);
    clock.advance(1);
    expect(table.look("a", undefined)).toBeUndefined();
  });

  test("keeps a later value in place of the first, for the time of the first", () => {
    const { clock, table } = scene();
    table.keep("a", 1);
    clock.advance(TTL - 1);
    table.keep("a", 2);
    expect(table.look("a", undefined)).toBe(2);
    clock.advance(1);
    expect(table.look("a", undefined)).toBeUndefined();
  });

  test("takes what was forgotten for new, also one that is sent again", () => {
    const { clock, table } = scene();
    clock.advance(10_000);
    table.keep("a", 1);
    table.forget("a");
    table.forget("never there");
    expect(table.look("a", 5)).toBeUndefined();
    expect(table.count).toBe(0);
  });

  test("holds `max` entries and gives the oldest away for one more", () => {
    const { table } = scene({ max: 3 });
    for (const [n, key] of ["a", "b", "c", "d"].entries()) table.keep(key, n);
    expect(["a", "b", "c", "d"].map((key) => table.look(key, undefined))).toEqual([undefined, 1, 2, 3]);
    expect(table.count).toBe(3);
  });

  test("holds nothing that is past its ttl once something is kept, whatever was kept and forgotten before", () => {
    const { clock, table } = scene();
    for (let n = 0; n < 1000; n++) table.keep(`k${n}`, n);
    for (let n = 0; n < 1000; n += 2) table.forget(`k${n}`);
    clock.advance(TTL);
    table.keep("last", 1);
    expect(table.count).toBe(1);
  });

  test("keeps one again after it was forgotten, and holds it when the first is evicted", () => {
    const { table } = scene({ max: 2 });
    table.keep("a", 1);
    table.forget("a");
    table.keep("a", 2);
    table.keep("b", 3);
    expect([table.look("a", undefined), table.look("b", undefined)]).toEqual([2, 3]);
  });

  test("evicts a hundred thousand in well under a second", () => {
    const { table } = scene();
    for (let n = 0; n < 100_000; n++) table.keep(`k${n}`, n);
    const start = performance.now();
    for (let n = 0; n < 100_000; n++) table.keep(`l${n}`, n);
    expect(performance.now() - start).toBeLessThan(1000);
    expect(table.count).toBe(100_000);
  });
});

describe("what may have been forgotten", () => {
  test("is gone, if it was first sent before the table began, and new if it was sent after that", () => {
    const { clock, table } = scene();
    clock.advance(60_000);
    expect(table.look("a", 60_000)).toBe(GONE);
    expect(table.look("a", 60_000 - IDEM_MARGIN_MS)).toBe(GONE);
    expect(table.look("a", 60_000 - IDEM_MARGIN_MS - 1)).toBeUndefined();
    expect(table.look("a", undefined)).toBeUndefined();
  });

  test("is new, if the table is whole since before it was sent", () => {
    const { clock, table } = scene({ since: Number.NEGATIVE_INFINITY });
    clock.advance(60_000);
    expect(table.look("a", 120_000)).toBeUndefined();
    expect(table.look("a", TTL - IDEM_MARGIN_MS)).toBe(GONE);
  });

  test("is gone, if it is as old as one that was evicted within its ttl", () => {
    const { clock, table } = scene({ max: 1 });
    clock.advance(60_000);
    table.keep("a", 1);
    clock.advance(5_000);
    table.keep("b", 2);
    clock.advance(5_000);
    expect(table.look("a", 10_000 - IDEM_MARGIN_MS)).toBe(GONE);
    expect(table.look("other", 10_000 - IDEM_MARGIN_MS - 1)).toBeUndefined();
    expect(table.look("b", 5_000)).toBe(2);
  });

  test("is gone, if it is older than the ttl, and not because others came past theirs", () => {
    const { clock, table } = scene();
    clock.advance(TTL);
    table.keep("a", 1);
    clock.advance(TTL);
    table.keep("b", 2);
    expect(table.look("a", TTL - IDEM_MARGIN_MS)).toBe(GONE);
    expect(table.look("a", TTL - IDEM_MARGIN_MS - 1)).toBeUndefined();
  });
});

test("keys are the same only for the same topic, user and id", () => {
  const parts = ["", "a", "ab", "b", "1.1.", "-"];
  const keys = new Set<string>();
  let count = 0;
  for (const topic of parts)
    for (const user of [undefined, ...parts])
      for (const id of parts) {
        keys.add(idemKey(topic, user, id));
        count += 1;
      }
  expect(keys.size).toBe(count);
});

test("the answer to what is gone says how old it was, and what to do", () => {
  expect(goneError(7000)).toMatchObject({ code: "gone", text: expect.stringMatching(/7000 ms.*look it up/) });
});
