/** A server that keeps no rule. A page must not hear of it by an uncaught error, a loop or memory that grows. */
import { describe, expect, spyOn, test } from "bun:test";
import { sessionHouse, settle } from "./session-house.ts";

const SUB = { topic: "a", epoch: "e", offset: 0, count: 0 };

describe("a frame that cannot be", () => {
  test.each([
    "null",
    "7",
    '"welcome"',
    '{"t":"err","code":"gone","message":{"toString":1}}',
    '{"t":"msg","topic":7,"offset":1,"data":1}',
    '{"t":"msg","topic":{},"offset":1,"data":1}',
    '{"t":"ok","id":1,"positions":{"a":null}}',
    '{"t":"ok","id":1,"positions":7}',
    '{"t":"gap"}',
    '{"t":"err","id":1,"message":{"toString":1}}',
  ])("never throws into the socket, and the session goes on or comes back: %s", async (text) => {
    const { session, net, clock, welcome } = sessionHouse();
    session.subscribe("*").listen(() => {});
    await welcome(SUB);
    net.last.say(text);
    if (session.status.type === "away") {
      clock.advance(20_000);
      await welcome(SUB);
    }
    expect(session.status.type).toBe("open");
  });
});

describe("a second welcome on a connection", () => {
  test("sends nothing again, and leaves no timer", async () => {
    const { session, clock, said, say, welcome } = sessionHouse();
    await welcome(SUB);
    const published = session.publish("a", 1).catch(() => {});
    await settle();
    const { pending } = clock;
    for (let n = 0; n < 5; n += 1) say({ t: "welcome", conn: "c", heartbeat: 25_000, maxMessage: 9 });
    expect([said().length, clock.pending]).toEqual([1, pending]);
    session.close();
    await published;
  });
});

describe("a number that makes no sense", () => {
  test.each([-5, 0.001, "x", {}, 1e300])(
    "as heartbeat asks no more often than once a second: %p",
    async (heartbeat) => {
      const { session, clock, said, say, welcome } = sessionHouse();
      const longest = spyOn(clock, "after");
      await welcome(SUB, { heartbeat });
      let asked = 0;
      for (let ms = 0; ms < 10_000; ms += 10) {
        clock.advance(10);
        for (const { id } of said().slice(asked)) {
          asked += 1;
          say({ t: "ok", id });
        }
      }
      expect(session.status.type).toBe("open");
      expect(asked).toBeLessThanOrEqual(10);
      for (const [ms] of longest.mock.calls) expect(ms > 0 && ms < 2 ** 31).toBe(true);
    },
  );

  test.each(["x", {}, -1e9])(
    "as retry takes nothing from the wait between two attempts: %p",
    async (retry) => {
      const { session, net, say, welcome } = sessionHouse();
      await welcome(SUB);
      say({ t: "drain", within: 0, retry });
      net.last.end(1012);
      const { retryIn } = session.status as unknown as { retryIn: number };
      expect(retryIn >= 0 && retryIn <= 250).toBe(true);
    },
  );
});

test.each([0, -1, "x", {}])("a retry of %p asks an engine that is down once a second", async (retry) => {
  const { session, clock, said, err, welcome } = sessionHouse();
  session.subscribe("b");
  await welcome(SUB);
  err("sub", "engine_down", { retry });
  clock.advance(999);
  expect(said()).toEqual([]);
  clock.advance(1);
  expect(said()).toMatchObject([{ t: "sub", topic: "b" }]);
});

test("thousands of gaps that nobody reads say unsub once", async () => {
  const { session, said, ok, lose, welcome } = sessionHouse();
  session.subscribe("*");
  const positions = (offset: number) =>
    Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`t${n}`, { epoch: "e", offset, count: 0 }]));
  await welcome(SUB);
  ok("sub", { topic: "*", positions: positions(1) });
  await lose();
  await welcome(SUB);
  ok("sub", { topic: "*", positions: positions(2) });
  expect(said()).toMatchObject([{ t: "unsub", topic: "*" }]);
});
