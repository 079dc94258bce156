import { describe, expect, test } from "bun:test";
import { lateClaims } from "../late-claims.ts";
import { v1House } from "./v1-house.ts";

const join = (role: string, more = {}) => ({ t: "join", group: "g", role, ...more });

describe("relay v1: claims that answer late", () => {
  test("answer the join then; until then the peer has no role", () => {
    const late = lateClaims();
    const peer = v1House({}, late.claims).open();
    expect(peer.ask(join("local"))).toBeUndefined();
    expect(peer.ask({ t: "send", idem: "a", data: 1 })).toMatchObject({ code: "bad_request" });
    late.grant(0);
    expect(peer.told()).toMatchObject([{ t: "ok", id: 1, partner: "offline" }]);
  });

  test("are given back when the peer has left before the answer", () => {
    const late = lateClaims();
    const house = v1House({}, late.claims);
    const peer = house.open();
    peer.say(join("local"));
    peer.conn.leave(1006);
    late.grant(0);
    expect(late.released()).toBe(1);
    expect(house.route.stats()).toMatchObject({ groups: 0, peers: 0, away: 0 });
  });

  test("are given back, and the join is answered gone, when its session ended meanwhile", () => {
    const late = lateClaims();
    const house = v1House({ session: { ttl: 1_000, max: 0 } }, late.claims);
    const first = house.open();
    first.say({ ...join("local"), id: 1 });
    late.grant(0);
    const session = first.told()[0]?.["session"];
    first.conn.leave(1006);
    const again = house.open();
    expect(again.ask(join("local", { session }))).toBeUndefined();
    house.clock.advance(1_000);
    late.grant(1);
    expect(again.told()).toMatchObject([{ t: "err", id: 1, code: "gone" }]);
    expect(late.released()).toBe(2);
    again.say(join("local"));
    late.grant(2);
    expect(house.route.stats()).toMatchObject({ groups: 1, peers: 1 });
  });

  test.each(["reject", "standby"] as const)(
    "under %s are no matter for the second join of a session whose first got the role meanwhile",
    (third) => {
      const late = lateClaims();
      const house = v1House({ third }, late.claims);
      const first = house.open();
      first.say({ ...join("local"), id: 1 });
      late.grant(0);
      const session = first.told()[0]?.["session"];
      first.conn.leave(1006);
      const [dead, alive] = [house.open(), house.open()];
      dead.say({ ...join("local", { session }), id: 1 });
      alive.say({ ...join("local", { session }), id: 1 });
      late.grant(1);
      late.asked[2]?.done({ takenBy: "x" });
      expect(alive.told()).toMatchObject([{ t: "ok", id: 1, session }]);
      expect([dead.conn.ended?.code, alive.conn.isOpen]).toEqual([4590, true]);
    },
  );

  test("that are lost end the connection with 4409, and the session with it", () => {
    const late = lateClaims();
    const house = v1House({}, late.claims);
    const [center, local] = [house.open(), house.open()];
    center.say(join("center"));
    late.grant(0);
    local.say({ ...join("local"), id: 1 });
    late.grant(1);
    const session = local.told()[0]?.["session"];
    center.say({ t: "send", idem: "a", data: 1 });
    late.asked[1]?.options.onLost("expired");
    expect(local.conn.ended?.code).toBe(4409);
    expect(center.heard()).toEqual(["local online joined", "local offline replaced", "receipt 1 unknown"]);
    expect(house.open().ask(join("local", { session }))).toMatchObject({ code: "gone" });
  });

  test("that were lost long ago harm nobody who came after", () => {
    const late = lateClaims();
    const house = v1House({}, late.claims);
    const [first, second] = [house.open(), house.open()];
    first.say(join("local"));
    late.grant(0);
    first.say({ t: "leave" });
    second.say(join("local"));
    late.grant(1);
    late.asked[0]?.options.onLost("expired");
    expect(second.conn.isOpen).toBe(true);
  });

  test("that an engine cannot give are answered with engine_down; the peer may ask again", () => {
    const late = lateClaims();
    const peer = v1House({}, late.claims).open();
    peer.say({ ...join("local"), id: 1 });
    late.asked[0]?.done({ code: "engine_down", text: "no route to the engine" });
    expect(peer.told()).toMatchObject([{ t: "err", id: 1, code: "engine_down" }]);
    peer.say({ ...join("local"), id: 2 });
    late.grant(1);
    expect(peer.told()).toMatchObject([{ t: "ok", id: 2 }]);
  });

  test("skip one who stood by and left while his claim was asked for", () => {
    const late = lateClaims();
    const house = v1House({ third: "standby" }, late.claims);
    const [holder, waiting] = [house.open(), house.open()];
    holder.say(join("local"));
    late.grant(0);
    waiting.say(join("local"));
    late.asked[1]?.done({ takenBy: "x" });
    holder.conn.leave(1006);
    waiting.conn.leave(1006);
    late.grant(2);
    expect(late.released()).toBe(2);
    house.clock.advance(60_000);
    expect(house.route.stats()).toMatchObject({ groups: 0, peers: 0, away: 0 });
  });
});
