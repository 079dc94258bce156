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

const ALICE = { user: "alice" };

test("shows all it remembers, with how long it still will", () => {
  const { clock, revoke, find, all } = setUp();
  revoke(ALICE);
  const until = clock.wall();
  clock.advance(400);
  revoke({ tokenId: "t1" });
  expect(find(ALICE)).toEqual({ what: ALICE, until, left: 600 });
  expect(find({ tokenId: "alice" })).toBeUndefined();
  clock.advance(600);
  expect(all()).toEqual([{ what: { tokenId: "t1" }, until: until + 400, left: 400 }]);
});

test("takes what other nodes revoked, for as long as it is left, and counts what is new", () => {
  const { clock, isRevoked, take } = setUp();
  const until = clock.wall();
  const several = [
    { what: ALICE, until, left: 500 },
    { what: { tokenId: "t1" }, until, left: Number.POSITIVE_INFINITY },
    { what: { user: "old" }, until, left: 0 },
  ];
  expect([take(several), take(several)]).toEqual([2, 0]);
  expect(isRevoked(token({ issuedAt: until }))).toBe(true);
  expect(isRevoked(token({ issuedAt: until + 1 }))).toBe(false);
  expect(isRevoked(token({ user: "old" }))).toBe(false);
  clock.advance(500);
  expect(isRevoked(token({}))).toBe(false);
  clock.advance(10 * 365 * 86_400_000);
  expect(isRevoked(token({ tokenId: "t1" }))).toBe(true);
});

test("what is taken never weakens what is known, whichever comes first", () => {
  const { clock, revoke, find, take } = setUp();
  revoke(ALICE);
  const until = clock.wall();
  expect(take([{ what: ALICE, until: until - 5, left: 10 }])).toBe(0);
  expect(take([{ what: ALICE, until: until + 5, left: 10 }])).toBe(1);
  expect(find(ALICE)).toEqual({ what: ALICE, until: until + 5, left: 1_000 });
  expect(take([{ what: ALICE, until: 0, left: 9_000 }])).toBe(1);
  expect(find(ALICE)).toEqual({ what: ALICE, until: until + 5, left: 9_000 });
});

test("takes what others had room for, though it is full itself", () => {
  const { clock, revoke, isRevoked, take } = setUp(1);
  revoke(ALICE);
  expect(take([{ what: { user: "bob" }, until: clock.wall(), left: 9_000 }])).toBe(1);
  expect(isRevoked(token({ user: "bob" }))).toBe(true);
  expect(revoke({ user: "carol" })).toBe(false);
});

test("an end of another node's that comes before older ones makes room all the same", () => {
  const { clock, revoke, take } = setUp(2);
  revoke(ALICE);
  take([{ what: { user: "bob" }, until: clock.wall(), left: 100 }]);
  expect(revoke({ user: "carol" })).toBe(false);
  clock.advance(100);
  expect(revoke({ user: "carol" })).toBe(true);
});
