/** Sessions whose client is away: whose they are, who ends first when there are too many, and what ends them before their time. */
import { describe, expect, test } from "bun:test";
import type { Identity } from "../../src/identity.ts";
import { v1House } from "./v1-house.ts";

type House = ReturnType<typeof v1House>;

/** A session in a group of its own, whose client has gone. */
function leaveBehind(
  house: House,
  group: string,
  from: { user?: string; address?: string; tokenId?: string } = {},
) {
  const { user = null, address = "192.0.2.1", tokenId } = from;
  const peer = house.open(user);
  const identity: Identity = { user, by: "token", tokenId };
  Object.assign(peer.conn, { identity, user, remoteAddress: address });
  const answer = peer.ask({ t: "join", group, role: "center" });
  peer.conn.leave(1006);
  return { group, user, session: String(answer?.["session"]) };
}

function goesOn(house: House, { group, session, user }: ReturnType<typeof leaveBehind>): boolean {
  const peer = house.open(user);
  Object.assign(peer.conn, { user });
  return peer.ask({ t: "join", group, role: "center", session, upto: 0 })?.["t"] === "ok";
}

const session = { ttl: 60_000, max: 3 };

describe("sessions of those who are away", () => {
  test("end with the oldest of the user who has left the most", () => {
    const house = v1House({ session });
    const hers = leaveBehind(house, "a", { user: "ann" });
    const his = [1, 2, 3].map((n) => leaveBehind(house, `b${n}`, { user: "bob" }));
    expect(house.route.stats()).toMatchObject({ away: 3 });
    expect([hers, ...his].map((each) => goesOn(house, each))).toEqual([true, false, true, true]);
  });

  test("end with the oldest of the address that has left the most, if they have no user", () => {
    const house = v1House({ session });
    const one = leaveBehind(house, "a", { address: "192.0.2.1" });
    const flood = [1, 2, 3, 4].map((n) => leaveBehind(house, `b${n}`, { address: `2001:db8::${n}` }));
    expect([one, ...flood].map((each) => goesOn(house, each))).toEqual([true, false, false, true, true]);
  });

  test("end with nobody else's because one who is here is replaced", () => {
    const house = v1House({ session: { ttl: 60_000, max: 1 }, third: "replace" });
    const innocent = leaveBehind(house, "a");
    const holder = house.join("center", { group: "b" });
    expect(house.join("center", { group: "b" }).answer).toMatchObject({ t: "ok" });
    expect(holder.conn.ended?.code).toBe(4590);
    expect([house.route.stats()["away"], goesOn(house, innocent)]).toEqual([1, true]);
  });

  test("end at once if they count no longer, and only those", () => {
    const house = v1House();
    const [gone, stays] = [
      leaveBehind(house, "a", { tokenId: "t1" }),
      leaveBehind(house, "b", { tokenId: "t2" }),
    ];
    const here = house.join("center", { group: "c" });
    house.route.revoked?.(({ tokenId }) => tokenId === "t1");
    expect([here.conn.isOpen, goesOn(house, gone), goesOn(house, stays)]).toEqual([true, false, true]);
  });

  test("go on for their own user, and for nobody else", () => {
    const house = v1House();
    const hers = leaveBehind(house, "a", { user: "ann" });
    for (const user of ["bob", "ANN", null]) expect(goesOn(house, { ...hers, user })).toBe(false);
    expect(goesOn(house, hers)).toBe(true);
  });
});

test("one sender's messages for absent partners leave room for another's, and both are told what did not fit", () => {
  const total = 4 * (1_000 + 256);
  const house = v1House({ queue: { size: 0, bytes: 0, total, ttl: 0, plain: false } });
  const states = (address: string, groups: readonly string[]) =>
    groups.map((group) => {
      const peer = house.open();
      Object.assign(peer.conn, { remoteAddress: address });
      peer.ask({ t: "join", group, role: "center" });
      const frame = { t: "send", idem: "a", data: "x".repeat(1_000 - 55) };
      expect(peer.ask(frame)).toMatchObject({ t: "ok" });
      return peer.heard().length === 0 ? "queued" : "dropped";
    });
  expect(states("192.0.2.1", ["a", "b", "c", "d"])).toEqual(["queued", "queued", "dropped", "dropped"]);
  expect(states("192.0.2.2", ["e", "f"])).toEqual(["queued", "dropped"]);
  expect(states("192.0.2.3", ["g", "h"])).toEqual(["queued", "dropped"]);
});
