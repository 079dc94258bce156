import { describe, expect, test } from "bun:test";
import { sessionHouse } from "./session-house.ts";

describe("a dead link", () => {
  test("is asked after a heartbeat without a frame, and given up 10 s later", async () => {
    const { session, clock, welcome, said } = sessionHouse();
    await welcome(undefined, { heartbeat: 10_000 });
    clock.advance(9_999);
    expect(said()).toEqual([]);
    clock.advance(1);
    expect(said()).toEqual([{ t: "ping", id: 1 }]);
    clock.advance(9_999);
    expect(session.status.type).toBe("open");
    clock.advance(1);
    expect(session.status).toMatchObject({ type: "away", reason: "no sign of life" });
  });

  test("is not one on which any frame comes", async () => {
    const { session, clock, welcome, said, say } = sessionHouse();
    await welcome(undefined, { heartbeat: 10_000 });
    clock.advance(8_000);
    say({ t: "weather" });
    clock.advance(9_999);
    expect(said()).toEqual([]);
    clock.advance(1);
    say({ t: "ok", id: 1 });
    clock.advance(19_999);
    expect([session.status.type, said()]).toEqual([
      "open",
      [
        { t: "ping", id: 1 },
        { t: "ping", id: 2 },
      ],
    ]);
  });

  test("is asked every 25 s where the server does not ping", async () => {
    const { clock, welcome, said } = sessionHouse();
    await welcome(undefined, { heartbeat: 0 });
    clock.advance(25_000);
    expect(said()).toEqual([{ t: "ping", id: 1 }]);
  });

  test("is asked at once when the network may have changed", async () => {
    const { session, clock, welcome, said } = sessionHouse();
    await welcome();
    (globalThis as unknown as EventTarget).dispatchEvent(new Event("online"));
    expect(said()).toEqual([{ t: "ping", id: 1 }]);
    clock.advance(10_000);
    expect(session.status.type).toBe("away");
  });

  test("is asked again, not given up, after the machine slept", async () => {
    const { session, clock, welcome, said } = sessionHouse();
    const { wall } = clock;
    let slept = 0;
    clock.wall = () => wall() + slept;
    await welcome(undefined, { heartbeat: 10_000 });
    clock.advance(10_000);
    slept = 3_600_000;
    clock.advance(10_000);
    expect([session.status.type, said().length]).toEqual(["open", 2]);
    clock.advance(10_000);
    expect(session.status.type).toBe("away");
  });

  test("is given up though every timer is late, as those of a hidden page are", async () => {
    const { session, clock, welcome, said } = sessionHouse();
    const { wall } = clock;
    let late = 0;
    clock.wall = () => wall() + late;
    await welcome(undefined, { heartbeat: 10_000 });
    for (let timer = 0; timer < 3; timer++) {
      late += 60_000;
      clock.advance(10_000);
    }
    expect([session.status.type, said().length]).toEqual(["away", 2]);
  });

  test("is asked no more often when it is checked twice", async () => {
    const { session, clock, welcome, say } = sessionHouse();
    await welcome(undefined, { heartbeat: 10_000 });
    const online = () => (globalThis as unknown as EventTarget).dispatchEvent(new Event("online"));
    online();
    online();
    say({ t: "ok", id: 1 });
    clock.advance(9_999);
    expect([session.status.type, clock.pending]).toEqual(["open", 1]);
  });
});
