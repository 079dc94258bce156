import { describe, expect, test } from "bun:test";
import type { Claim, ClaimOptions, Claims, EngineError } from "../../src/engine.ts";
import { pipeHouse, turnEnd } from "./pipe-house.ts";

describe("a pipe's claims that answer late", () => {
  type Answer = Claim | { takenBy: string } | EngineError;
  interface Asked {
    readonly options: ClaimOptions;
    done(answer: Answer): void;
  }

  /** Answers when the test says so, to the one who asked first. */
  function lateClaims() {
    const asked: Asked[] = [];
    const claims: Claims = { claim: (_, options, done) => void asked.push({ options, done }) };
    let held = 0;
    const release = () => {
      held -= 1;
    };
    const answer = (result: Answer) => asked.shift()?.done(result);
    return {
      claims,
      asked,
      answer,
      grant() {
        held += 1;
        answer({ holder: "x", fence: 1, renew: () => true, release });
      },
      held: () => held,
    };
  }

  const slow = { policy: "pause", highWater: 10_000 } as const;

  test("keep what both ends say meanwhile, and nothing is handed over before both are granted", async () => {
    const late = lateClaims();
    const { center, local } = pipeHouse({}, late.claims).pair();
    center.say("c");
    local.say("l");
    late.grant();
    await turnEnd();
    expect([center.sent, local.sent]).toEqual([[], []]);
    late.grant();
    expect([center.sent, local.sent]).toEqual([["l"], ["c"]]);
  });

  test("are given back when the end has left before the answer", () => {
    const late = lateClaims();
    const { join, route } = pipeHouse({}, late.claims);
    join("center").leave();
    late.grant();
    expect(late.held()).toBe(0);
    expect(route.stats()).toEqual({ pairs: 0, waiting: 0, paused: 0, queued: 0 });
  });

  test("are both given back when one of a pair leaves", () => {
    const late = lateClaims();
    const { center } = pipeHouse({}, late.claims).pair();
    late.grant();
    late.grant();
    center.leave();
    expect(late.held()).toBe(0);
  });

  test("that fail close with 1013, a paused one too, and the log has the reason", () => {
    const late = lateClaims();
    const { join, log } = pipeHouse({}, late.claims);
    const center = join("center");
    center.say(new Uint8Array(100_000));
    late.answer({ code: "engine_down", text: "no disk" });
    expect(center.ended).toMatchObject({ code: 1013, reason: expect.stringContaining("try again later") });
    expect(center.isPaused).toBe(false);
    expect(log.lines).toMatchObject([{ level: "warn", route: "/pipe", reason: "no disk" }]);
  });

  test.each([
    ["replace", "taken", [4590, 1000]],
    // Nobody may take it: the engine has lost data, and somebody else came first.
    ["reject", "taken", [1013, 1013]],
    ["reject", "expired", [1013, 1013]],
    ["replace", "expired", [1013, 1013]],
  ] as const)("under %s, that were %s afterwards end both with %p", (third, how, codes) => {
    const late = lateClaims();
    const { center, local } = pipeHouse({ third }, late.claims).pair();
    const [first] = late.asked;
    late.grant();
    late.grant();
    first?.options.onLost(how);
    expect([center.ended?.code, local.ended?.code]).toEqual([...codes]);
  });

  test("leave a sender paused when its partner does not take what was kept, until that one does", () => {
    const late = lateClaims();
    const { center, local } = pipeHouse({ slow }, late.claims).pair();
    late.grant();
    center.say(new Uint8Array(70_000));
    local.stall();
    late.grant();
    expect([center.isPaused, local.sent.length]).toEqual([true, 1]);
    local.catchUp(5_001);
    expect(center.isPaused).toBe(true);
    local.catchUp(5_000);
    expect(center.isPaused).toBe(false);
  });

  test("end a pair at once under policy close if what was kept is too much for the partner", () => {
    const late = lateClaims();
    const house = pipeHouse({ slow: { policy: "close", highWater: 10_000 } }, late.claims);
    const { center, local } = house.pair();
    late.grant();
    for (const end of [center, local]) end.say(new Uint8Array(20_000));
    local.stall();
    late.grant();
    expect([local.ended?.code, center.ended?.code]).toEqual([1013, 1000]);
    expect([late.held(), house.isEmpty()]).toEqual([0, true]);
  });
});
