/** How long identities count, on a clock that the test moves. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NOBODY } from "../../src/access.ts";
import { createValidity, type Holder } from "../../src/auth/validity.ts";
import type { Identity } from "../../src/identity.ts";
import { testClock } from "../clock.ts";

const GRACE = 25_000;

function house() {
  const clock = testClock();
  const validity = createValidity(clock, GRACE);
  const said: string[] = [];
  const start = clock.wall();
  const holderOf = (name: string, identity: Partial<Identity>): Holder & { identity: Identity } => ({
    identity: { user: name, by: "token", ...identity },
    expiring: (at) => void said.push(`${name} until ${at - start}`),
    end: (reason) => void said.push(`${name} ${reason}`),
  });
  const expiring = (name: string, ms: number) => holderOf(name, { expires: start + ms });
  return { clock, validity, said, holderOf, expiring, start };
}

describe("an identity that ends", () => {
  test("is told so once when it has ended, and ended when the grace is over", () => {
    const { clock, validity, said, expiring } = house();
    validity.hold(expiring("alice", 10_000));
    clock.advance(9_000);
    expect(said).toEqual([]);
    clock.advance(2_000);
    expect(said).toEqual(["alice until 35000"]);
    clock.advance(23_000);
    expect(said).toHaveLength(1);
    clock.advance(2_000);
    expect(said).toEqual(["alice until 35000", "alice expired"]);
  });

  test("goes on when it is held anew with a later end", () => {
    const { clock, validity, said, expiring, start } = house();
    const alice = expiring("alice", 10_000);
    validity.hold(alice);
    clock.advance(12_000);
    alice.identity = { ...alice.identity, expires: start + 60_000 };
    validity.hold(alice);
    clock.advance(40_000);
    expect(said).toEqual(["alice until 35000"]);
    clock.advance(10_000);
    expect(said.at(-1)).toBe("alice until 85000");
  });

  test("has the whole grace though it had ended before it was held, as tolerance allows", () => {
    const { clock, validity, said, expiring } = house();
    validity.hold(expiring("late", -29_000));
    clock.advance(2_000);
    expect(said).toEqual(["late until 25000"]);
  });

  test("years away fires nothing, and leaves one timer", () => {
    const { clock, validity, said, expiring } = house();
    validity.hold(expiring("rock", 50 * 365 * 86_400_000));
    clock.advance(3_600_000);
    expect(said).toEqual([]);
    expect(clock.pending).toBe(1);
  });

  test("is forgotten when it is released, and the timer with the last", () => {
    const { clock, validity, said, expiring } = house();
    const [a, b] = [expiring("a", 1_000), expiring("b", 2_000)];
    validity.hold(a);
    validity.hold(b);
    validity.release(a);
    expect(clock.pending).toBe(1);
    validity.release(b);
    validity.release(b);
    expect(clock.pending).toBe(0);
    clock.advance(60_000);
    expect(said).toEqual([]);
  });
});

test("one of whom nothing was checked is not kept at all", () => {
  const { clock, validity, said, holderOf } = house();
  validity.hold(holderOf("nobody", NOBODY));
  validity.revoke(() => true);
  expect(said).toEqual([]);
  expect(clock.pending).toBe(0);
});

test("a revocation ends at once whoever it means, and nobody else, also those without an end", () => {
  const { validity, said, holderOf, expiring } = house();
  for (const holder of [holderOf("a", {}), expiring("b", 1_000), holderOf("c", {})]) validity.hold(holder);
  validity.revoke(({ user }) => user !== "b");
  expect(said).toEqual(["a revoked", "c revoked"]);
  validity.revoke(() => true);
  expect(said).toEqual(["a revoked", "c revoked", "b revoked"]);
});

test("a holder may leave, and others come, while it is being ended", () => {
  const { clock, validity, said, expiring } = house();
  const next = expiring("next", 0);
  const first: Holder = {
    ...expiring("first", 0),
    end() {
      said.push("first ended");
      validity.release(first);
      validity.hold(next);
    },
  };
  validity.hold(first);
  clock.advance(GRACE + 2_000);
  expect(said.slice(0, 2)).toEqual(["first until 25000", "first ended"]);
  clock.advance(GRACE + 2_000);
  expect(said.at(-1)).toBe("next expired");
});

test("each of many is told before it is ended, within a second of its time, whatever comes and goes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 90_000 }), fc.integer({ min: 0, max: 120_000 })), {
        maxLength: 20,
      }),
      (lives) => {
        const { clock, validity, start } = house();
        const told = new Map<number, number>();
        const ended = new Map<number, number>();
        lives.forEach(([expires, leaves], index) => {
          const holder: Holder = {
            identity: { user: "x", by: "token", expires: start + expires },
            expiring: () => void told.set(index, clock.wall() - start),
            end: () => void ended.set(index, clock.wall() - start),
          };
          validity.hold(holder);
          clock.after(leaves, () => validity.release(holder));
        });
        clock.advance(200_000);
        expect(clock.pending).toBe(0);
        lives.forEach(([expires, leaves], index) => {
          const [at, end] = [told.get(index), ended.get(index)];
          if (at !== undefined) expect(at - expires).toBeWithin(0, 2_001);
          if (end !== undefined) {
            expect(end - expires - GRACE).toBeWithin(0, 2_001);
            expect(leaves).toBeGreaterThanOrEqual(expires + GRACE);
          } else expect(leaves).toBeLessThan(expires + GRACE + 2_001);
        });
      },
    ),
  );
});
