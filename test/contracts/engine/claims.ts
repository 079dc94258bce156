/** The part of the engine suite about claims: one holder, fences that grow, leases that end by the clock. */
import { expect } from "bun:test";
import { claim, type EngineTest, won } from "./harness.ts";

const NAME = "/relay g1/center";

export function claimsContract(it: EngineTest): void {
  it("gives a name to one holder, and tells the next who has it", async ({ engine }) => {
    expect(won(await claim(engine, NAME, { holder: "a" })).holder).toBe("a");
    expect((await claim(engine, NAME, { holder: "b" })).result).toEqual({ takenBy: "a" });
    expect(won(await claim(engine, "other name", { holder: "b" })).holder).toBe("b");
  });

  it("refuses a holder that claims again what it holds", async ({ engine }) => {
    await claim(engine, NAME, { holder: "a" });
    expect((await claim(engine, NAME, { holder: "a" })).result).toEqual({ takenBy: "a" });
  });

  it("gives a released name to the next, with a higher fence, and tells nobody of a loss", async ({
    engine,
  }) => {
    const first = await claim(engine, NAME);
    won(first).release();
    const second = await claim(engine, NAME, { holder: "b" });
    expect(won(second).fence).toBeGreaterThan(won(first).fence);
    expect(first.losses).toEqual([]);
    expect(won(first).renew()).toBe(false);
  });

  it("takes a name over: the holder is told once, the fence grows", async ({ engine }) => {
    const first = await claim(engine, NAME, { lease: 100 });
    const second = await claim(engine, NAME, { holder: "b", takeOver: true });
    expect(await first.lost).toBe("taken");
    expect(won(second).fence).toBeGreaterThan(won(first).fence);
    expect(won(first).renew()).toBe(false);
    expect(first.losses).toEqual(["taken"]);
  });

  it("takes over a name that nobody holds like any other", async ({ engine }) => {
    expect(won(await claim(engine, NAME, { takeOver: true })).renew()).toBe(true);
  });

  it("leaves the next holder alone, if one who lost the name releases it late", async ({ engine }) => {
    const first = await claim(engine, NAME);
    const second = await claim(engine, NAME, { holder: "b", takeOver: true });
    await first.lost;
    won(first).release();
    expect(won(second).renew()).toBe(true);
    expect((await claim(engine, NAME, { holder: "c" })).result).toEqual({ takenBy: "b" });
  });

  it("ends a claim when its lease runs out: the holder is told once, the name is free", async ({
    engine,
    clock,
  }) => {
    const first = await claim(engine, NAME, { lease: 100 });
    clock.advance(99);
    expect((await claim(engine, NAME, { holder: "b" })).result).toEqual({ takenBy: "a" });
    clock.advance(1);
    expect(await first.lost).toBe("expired");
    expect(won(first).renew()).toBe(false);
    won(await claim(engine, NAME, { holder: "b" }));
    clock.advance(1000);
    expect(first.losses).toEqual(["expired"]);
  });

  it("keeps a claim that is renewed in time, for one lease from then on", async ({ engine, clock }) => {
    const attempt = await claim(engine, NAME, { lease: 100 });
    for (let n = 0; n < 5; n++) {
      clock.advance(99);
      expect(won(attempt).renew()).toBe(true);
    }
    clock.advance(100);
    expect(await attempt.lost).toBe("expired");
  });

  it("keeps a claim without a lease whatever time it is", async ({ engine, clock }) => {
    const attempt = await claim(engine, NAME, { lease: 0 });
    clock.advance(10 ** 9);
    expect(won(attempt).renew()).toBe(true);
    expect(attempt.losses).toEqual([]);
  });

  it("lets the holder claim anew inside onLost, and finds the name taken", async ({ engine }) => {
    const seen = Promise.withResolvers<object>();
    const onLost = () =>
      engine.claims.claim(NAME, { holder: "a", lease: 0, takeOver: false, onLost() {} }, seen.resolve);
    await new Promise((done) =>
      engine.claims.claim(NAME, { holder: "a", lease: 0, takeOver: false, onLost }, done),
    );
    won(await claim(engine, NAME, { holder: "b", takeOver: true }));
    expect(await seen.promise).toEqual({ takenBy: "b" });
  });

  it("refuses claims after close and tells no holder of a loss", async ({ engine, clock }) => {
    const attempt = await claim(engine, NAME, { lease: 100 });
    await engine.close();
    clock.advance(1000);
    expect(won(attempt).renew()).toBe(false);
    won(attempt).release();
    expect(attempt.losses).toEqual([]);
    expect((await claim(engine, NAME)).result).toMatchObject({ code: "engine_down" });
  });
}
