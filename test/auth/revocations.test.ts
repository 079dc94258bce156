/** What was taken back: for how long, how many, and whose. */
import { expect, test } from "bun:test";
import { createRevocations } from "../../src/auth/revocations.ts";
import type { Identity } from "../../src/identity.ts";
import { testClock } from "../clock.ts";

const setUp = (max = 10, ttl = 1_000) => {
  const clock = testClock();
  return { clock, ...createRevocations({ max, ttl }, clock) };
};
const token = (more: Partial<Identity>): Identity => ({ user: "alice", by: "token", ...more });

test("a user's tokens of before count no longer, those of later do", () => {
  const { clock, revoke, isRevoked } = setUp();
  const [before, now] = [clock.wall() - 1, clock.wall()];
  expect(revoke({ user: "alice" })).toBe(true);
  expect(isRevoked(token({ issuedAt: before }))).toBe(true);
  expect(isRevoked(token({ issuedAt: now }))).toBe(true);
  expect(isRevoked(token({ issuedAt: now + 1 }))).toBe(false);
});

test("one that does not say when it was issued counts as one of before", () => {
  const { revoke, isRevoked } = setUp();
  revoke({ user: "alice" });
  expect(isRevoked(token({}))).toBe(true);
});

test("another user, and one without a name, are not meant", () => {
  const { revoke, isRevoked } = setUp();
  revoke({ user: "alice" });
  for (const user of ["Alice", "alice ", "", null]) expect(isRevoked(token({ user }))).toBe(false);
});

test("a token is meant by its id, whoever has it; a user is not meant by it", () => {
  const { revoke, isRevoked } = setUp();
  revoke({ tokenId: "t1" });
  expect(isRevoked(token({ tokenId: "t1", issuedAt: Number.MAX_SAFE_INTEGER }))).toBe(true);
  expect(isRevoked(token({ tokenId: "t2" }))).toBe(false);
  expect(isRevoked(token({ user: "t1" }))).toBe(false);
});

test("names of what tables inherit are names like any other", () => {
  const { revoke, isRevoked } = setUp();
  expect(isRevoked(token({ user: "constructor", tokenId: "__proto__" }))).toBe(false);
  revoke({ user: "__proto__" });
  expect(isRevoked(token({ user: "__proto__" }))).toBe(true);
  expect(isRevoked(token({ user: "constructor" }))).toBe(false);
});

test("is forgotten after ttl, so that an older token counts again", () => {
  const { clock, revoke, isRevoked } = setUp();
  revoke({ user: "alice" });
  clock.advance(999);
  expect(isRevoked(token({}))).toBe(true);
  clock.advance(1);
  expect(isRevoked(token({}))).toBe(false);
});

test("is never forgotten when ttl is 0", () => {
  const { clock, revoke, isRevoked } = setUp(1, 0);
  revoke({ user: "alice" });
  clock.advance(10 * 365 * 86_400_000);
  expect(isRevoked(token({}))).toBe(true);
  expect(revoke({ user: "bob" })).toBe(false);
});

test("said again, counts from then on, and takes no second place", () => {
  const { clock, revoke, isRevoked } = setUp(1);
  revoke({ user: "alice" });
  clock.advance(600);
  expect(revoke({ user: "alice" })).toBe(true);
  const { wall } = clock;
  expect(isRevoked(token({ issuedAt: wall() }))).toBe(true);
  clock.advance(600);
  expect(isRevoked(token({ issuedAt: wall() - 600 }))).toBe(true);
});

test("full: a new one is not taken, and says so, until an old one is forgotten", () => {
  const { clock, revoke, isRevoked } = setUp(2);
  revoke({ user: "alice" });
  clock.advance(500);
  revoke({ tokenId: "t1" });
  expect(revoke({ user: "bob" })).toBe(false);
  expect(isRevoked(token({ user: "bob" }))).toBe(false);
  expect(revoke({ tokenId: "t1" })).toBe(true);
  clock.advance(500);
  expect(revoke({ user: "bob" })).toBe(true);
  expect(revoke({ user: "carol" })).toBe(false);
});

test("a wall clock that jumps forgets nothing", () => {
  const clock = testClock();
  let jump = 0;
  const { revoke, isRevoked } = createRevocations(
    { max: 1, ttl: 1_000 },
    { ...clock, wall: () => clock.wall() + jump },
  );
  revoke({ user: "alice" });
  jump = 7_200_000;
  expect(isRevoked(token({}))).toBe(true);
});
