import { describe, expect, test } from "bun:test";
import type { Claim, EngineError, OutMessage, Position } from "../../src/engine.ts";
import type { Fault } from "../../src/engines/in-process/down.ts";
import { createMemoryEngine } from "../../src/engines/memory.ts";
import { testClock } from "../clock.ts";
import { engineContract } from "../contracts/engine.ts";

engineContract("memory", (clock) => createMemoryEngine({ clock, onError: () => {} }));

const TTL = 300_000;
const LIMITS = { size: 100, ttl: TTL, bytes: 0 };
const NOTHING = { topics: 0, claims: 0, occupied: 0, members: 0 };
const hello: OutMessage = { data: "hello", json: false };

const X = { conn: "x", user: null, info: null };
const Y = { ...X, conn: "y" };

function scene() {
  const clock = testClock();
  const faults: Fault[] = [];
  const engine = createMemoryEngine({ clock, onError: (fault) => faults.push(fault) });
  return { clock, faults, engine, room: engine.topics("/room/:name", LIMITS) };
}

describe("the memory engine", () => {
  test("delivers and answers before publish returns", () => {
    const { room } = scene();
    const steps: string[] = [];
    room.subscribe("t", ({ data }) => steps.push(`deliver ${data}`));
    room.publish("t", hello, () => steps.push("done"));
    expect(steps).toEqual(["deliver hello", "done"]);
  });

  test("holds nothing after 100,000 rooms were visited once", () => {
    const { engine, room } = scene();
    for (let n = 0; n < 100_000; n++) room.subscribe(`room-${n}`, () => {}).close();
    expect(engine.holding()).toEqual(NOTHING);
  });

  test("holds nothing of a topic without history once its last subscriber has gone", () => {
    const { engine } = scene();
    const room = engine.topics("/bare", { size: 0, ttl: 0, bytes: 0 });
    const subscription = room.subscribe("t", () => {});
    room.publish("t", hello);
    room.publish("nobody-there", hello);
    expect(engine.holding().topics).toBe(1);
    subscription.close();
    expect(engine.holding()).toEqual(NOTHING);
  });

  test("forgets idle topics within ten seconds after their history has aged away, without a call", () => {
    const { engine, room, clock } = scene();
    for (let n = 0; n < 1000; n++) room.publish(`room-${n}`, hello);
    clock.advance(TTL - 1);
    expect(engine.holding().topics).toBe(1000);
    clock.advance(10_001);
    expect(engine.holding()).toEqual(NOTHING);
  });

  test("keeps the position of a topic as long as its history lives, and begins a new epoch after that", () => {
    const { room, clock } = scene();
    const positions: Position[] = [];
    const publish = () =>
      room.publish("t", hello, (at) => {
        if ("offset" in at) positions.push(at);
      });
    publish();
    room.subscribe("t", () => {}).close();
    publish();
    clock.advance(TTL + 10_000);
    publish();
    expect(positions.map(({ offset }) => offset)).toEqual([1, 2, 1]);
    expect(positions[1]?.epoch).toBe(positions[0]?.epoch ?? "");
    expect(positions[2]?.epoch).not.toBe(positions[0]?.epoch ?? "");
  });

  test("has another epoch than an engine before it", () => {
    const epochs = [scene(), scene()].map(({ room }) => {
      let epoch = "";
      room.subscribe("t", ({ epoch: now }) => {
        epoch = now;
      });
      room.publish("t", hello);
      return epoch;
    });
    expect(epochs[0]).not.toBe(epochs[1] ?? "");
  });

  test("counts back to nothing after claims are released or expired and members left or timed out", async () => {
    const { engine, clock } = scene();
    const nobody = { lease: 50, takeOver: false, onLost() {} };
    engine.claims.claim("a", { holder: "x", ...nobody }, () => {});
    engine.claims.claim("b", { holder: "y", ...nobody }, (claim) => {
      if ("fence" in claim) claim.release();
    });
    engine.presence.join("t", X, 50);
    engine.presence.join("u", Y, 0);
    expect(engine.holding()).toEqual({ topics: 0, claims: 1, occupied: 2, members: 2 });
    engine.presence.leave("u", "y");
    clock.advance(10_000);
    expect(engine.holding()).toEqual(NOTHING);
    await engine.close();
    expect(clock.pending).toBe(0);
  });

  test("takes ten thousand members in any order, pages through them and lets them go in well under a second", async () => {
    const { engine } = scene();
    const start = performance.now();
    for (let n = 9999; n >= 0; n--) engine.presence.join("t", { ...X, conn: `n-${n.toString(36)}` }, 0);
    let after: string | undefined;
    for (let page = 0; page < 100; page++)
      after = (await engine.presence.list("t", { after, limit: 100 })).members.at(-1)?.conn;
    expect(after).toBe(`n-${(9999).toString(36)}`);
    for (let n = 0; n < 10_000; n++) engine.presence.leave("t", `n-${n.toString(36)}`);
    expect(performance.now() - start).toBeLessThan(1000);
    expect(engine.holding()).toEqual(NOTHING);
  });

  test("cancels every timer and holds nothing, when it is closed", async () => {
    const { engine, room, clock } = scene();
    engine.claims.claim("a", { holder: "x", lease: 50, takeOver: false, onLost() {} }, () => {});
    engine.presence.join("t", X, 50);
    room.subscribe("t", () => {});
    room.publish("t", hello);
    await engine.close();
    expect(clock.pending).toBe(0);
    expect(engine.holding()).toEqual(NOTHING);
  });

  test("reports each callback that throws, with the route and topic, the claim's name, or the topic", () => {
    const { engine, room, clock, faults } = scene();
    const error = new Error("broken");
    const fail = () => {
      throw error;
    };
    room.watch(fail);
    room.subscribe("t", fail);
    room.publish("t", hello);
    engine.claims.claim("name", { holder: "x", lease: 50, takeOver: false, onLost: fail }, () => {});
    clock.advance(50);
    engine.presence.watch("/room t", fail);
    engine.presence.join("/room t", X, 0);
    expect(faults).toEqual([
      { stage: "seen", route: "/room/:name", name: "t", error },
      { stage: "deliver", route: "/room/:name", name: "t", error },
      { stage: "lost", name: "name", error },
      { stage: "presence", name: "/room t", error },
    ]);
  });

  test("ends two callbacks that answer each other, after 1,000 messages with engine_down", () => {
    const { room } = scene();
    let refused = 0;
    let delivered = 0;
    room.subscribe("t", () => {
      delivered += 1;
      room.publish("t", hello, (result) => {
        if ("code" in result) refused += 1;
      });
    });
    room.publish("t", hello);
    expect([delivered, refused]).toEqual([1001, 1]);
  });

  test("delivers nothing more, if a callback closes the engine inside a delivery", () => {
    const { engine, room } = scene();
    const seen: string[] = [];
    room.subscribe("t", ({ data }) => {
      seen.push(`first ${data}`);
      room.publish("t", { data: "nested", json: false });
      void engine.close();
    });
    room.subscribe("t", ({ data }) => seen.push(`second ${data}`));
    room.publish("t", hello);
    expect(seen).toEqual(["first hello"]);
  });

  test("goes on with the positions of a topic whose last subscriber leaves inside a delivery and then publishes", () => {
    const { engine } = scene();
    const room = engine.topics("/bare", { size: 0, ttl: 0, bytes: 0 });
    const positions: (Position | EngineError)[] = [];
    const note = (at: Position | EngineError) => positions.push(at);
    const subscription = room.subscribe("t", () => {
      subscription.close();
      room.publish("t", hello, note);
    });
    room.publish("t", hello, note);
    const epochs = positions.map((at) => ("epoch" in at ? at.epoch : ""));
    expect(positions).toMatchObject([{ offset: 2 }, { offset: 1 }]);
    expect(epochs[0]).toBe(epochs[1] ?? "");
    expect(engine.holding()).toEqual(NOTHING);
  });

  test("ends an overdue claim at the next look, if the process was held up and its timer has not run yet", () => {
    const clock = testClock();
    let heldUp = 0;
    const engine = createMemoryEngine({
      clock: { ...clock, now: () => clock.now() + heldUp },
      onError: () => {},
    });
    const losses: string[] = [];
    const take = (name: string) => {
      let result: object = {};
      const onLost = (reason: string) => losses.push(`${name} ${reason}`);
      engine.claims.claim(name, { holder: name, lease: 50, takeOver: false, onLost }, (answer) => {
        result = answer;
      });
      return result as Claim;
    };
    const [renewed] = [take("renewed"), take("claimed")];
    heldUp = 50;
    expect(renewed.renew()).toBe(false);
    expect(take("claimed").fence).toBe(3);
    expect(losses).toEqual(["renewed expired", "claimed expired"]);
    clock.advance(49);
    expect(losses.length).toBe(2);
  });

  test("follows a wall clock that jumps within a second, and evicts nobody for it", async () => {
    const clock = testClock();
    let jump = 0;
    const engine = createMemoryEngine({
      clock: { ...clock, wall: () => clock.wall() + jump },
      onError: () => {},
    });
    const room = engine.topics("/room", LIMITS);
    room.publish("t", hello);
    jump = 7_200_000;
    clock.advance(1000);
    room.publish("t", hello);
    const { messages } = await room.history("t", { limit: 9 });
    expect((messages[1]?.time ?? 0) - (messages[0]?.time ?? 0)).toBe(7_201_000);
  });
});
