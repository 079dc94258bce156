import { expect, test } from "bun:test";
import { createAway } from "../../../src/relay/shared/away.ts";
import type { SharedSeat } from "../../../src/relays.ts";
import { testClock } from "../../clock.ts";
import { OPEN } from "../../open-access.ts";

const clock = testClock();
const ended: string[] = [];

function house(options: { ttl: number; max: number }) {
  ended.length = 0;
  const away = createAway({ now: clock.now, ...options });
  return {
    left(user: string) {
      const seat: SharedSeat = {
        room: undefined,
        send() {},
        acknowledge() {},
        leave() {},
        endSession: () => void ended.push(user),
      };
      away.add(seat, { ...OPEN.identity, user });
    },
    revoke: (user: string) => away.revoked((identity) => identity.user === user),
  };
}

test("ends each session of a user who is revoked, once, and no other", () => {
  const { left, revoke } = house({ ttl: 0, max: 0 });
  for (const user of ["alice", "bob", "alice"]) left(user);
  revoke("alice");
  revoke("alice");
  expect(ended).toEqual(["alice", "alice"]);
});

test("forgets those that were away for longer than they may be, and the oldest where they are too many", () => {
  const { left, revoke } = house({ ttl: 1_000, max: 2 });
  left("old");
  clock.advance(1_001);
  for (const user of ["a", "b", "c"]) left(user);
  for (const user of ["old", "a", "b", "c"]) revoke(user);
  expect(ended).toEqual(["b", "c"]);
});
