/** Streams whose client is away: who gives way when there are too many, or when they keep too much, and what ends them before their time. */
import { describe, expect, test } from "bun:test";
import { streamHouse } from "./stream-house.ts";

type House = ReturnType<typeof streamHouse>;

/** A stream of somebody who has gone, with so many bytes for it. */
function leaveBehind(house: House, from: { user?: string; address?: string; tokenId?: string }, bytes = 0) {
  const { user = null, address = "192.0.2.1", tokenId } = from;
  const { client, sid, upstream } = house.open(user);
  Object.assign(client.connection, { remoteAddress: address, identity: { user, by: "token", tokenId } });
  if (bytes > 0) upstream.say("x".repeat(bytes));
  client.connection.leave(1006);
  return { sid, user, upstream };
}

const isThere = (house: House, { sid, user }: { sid: string; user: string | null }) =>
  house.resume(sid, 0, { user }).code === undefined;

describe("streams of those who are away", () => {
  test("give way to a user's own, if that one leaves more than all others", () => {
    const house = streamHouse({ streams: 3 });
    const hers = leaveBehind(house, { user: "ann" });
    const his = [1, 2, 3, 4, 5].map(() => leaveBehind(house, { user: "bob" }));
    expect([house.streams.stats()["parked"], house.crowded]).toEqual([3, 3]);
    expect([hers, ...his].map((each) => isThere(house, each))).toEqual([
      true,
      false,
      false,
      false,
      true,
      true,
    ]);
  });

  test("give way to an address's own, if they have no user", () => {
    const house = streamHouse({ streams: 2 });
    const one = leaveBehind(house, { address: "192.0.2.1" });
    const flood = [1, 2, 3].map((n) => leaveBehind(house, { address: `2001:db8::${n}` }));
    expect([one, ...flood].map((each) => isThere(house, each))).toEqual([true, false, false, true]);
  });

  test("give way to their own if they keep too much, one that keeps something first", () => {
    const house = streamHouse({ total: 20_000 });
    const idle = leaveBehind(house, { user: "bob" });
    const hers = leaveBehind(house, { user: "ann" }, 5_000);
    // 5,000 bytes take 8 KiB.
    const his = [1, 2, 3].map(() => leaveBehind(house, { user: "bob" }, 5_000));
    expect([idle, hers, ...his].map((each) => isThere(house, each))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
  });

  test("end at once if they count no longer, their targets too, and only those", () => {
    const house = streamHouse();
    const gone = leaveBehind(house, { user: "ann", tokenId: "t1" });
    const stays = leaveBehind(house, { user: "ann", tokenId: "t2" });
    const here = house.open("ann");
    house.streams.revoked(({ tokenId }) => tokenId === "t1");
    expect([gone.upstream.calls, stays.upstream.calls, here.upstream.calls]).toEqual([["shutdown"], [], []]);
    expect([isThere(house, gone), isThere(house, stays), here.client.code]).toEqual([false, true, undefined]);
  });
});
