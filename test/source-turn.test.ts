/** A source that several nodes have in their config, and one of them runs. The nodes share the claims of one memory engine here. */
import { describe, expect, onTestFinished, test } from "bun:test";
import type { Source } from "../src/config/kinds/feed.ts";
import type { Claims } from "../src/engine.ts";
import { createClaims } from "../src/engines/in-process/claims.ts";
import { runSource } from "../src/source-runner.ts";
import { inTurn } from "../src/source-turn.ts";
import { testClock } from "./clock.ts";
import { memoryLog } from "./gateway.ts";

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const ASK_MS = 2_000;

function setup() {
  const clock = testClock();
  const log = memoryLog();
  const memory = createClaims({ clock, report: () => {} });
  const published: string[] = [];
  const ends: string[] = [];
  let isDown = false;
  const claims: Claims = {
    claim(name, options, done) {
      if (isDown) done({ code: "engine_down", text: "away" });
      else memory.claim(name, options, done);
    },
  };

  /** Runs it at a node of this name; what it returns stops it. */
  function node(name: string, source: Source = saying(name)) {
    const parts = { claims, cluster: { self: name }, clock, log, route: "/f" };
    const stop = runSource({
      source: inTurn({ source, ...parts }),
      publish: ({ data }) => void published.push(String(data)),
      ...parts,
    });
    onTestFinished(stop);
    return stop;
  }

  const saying = (name: string): Source =>
    async function* (signal) {
      yield { data: `${name} begins` };
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      ends.push(name);
    };

  /** Takes it away from whoever has it, as lost data or a partition would. */
  const takeAway = () =>
    new Promise<{ release(): void }>((resolve, reject) => {
      const options = { holder: "thief", lease: 0, takeOver: true, onLost() {} };
      memory.claim("/f\0source", options, (result) =>
        "release" in result ? resolve(result) : reject(new Error("it cannot be taken")),
      );
    });

  return {
    ...{ clock, log, published, ends, node, takeAway },
    setDown(down: boolean) {
      isDown = down;
    },
  };
}

describe("a source of several nodes", () => {
  test("runs at one of them, which says so", async () => {
    const { node, published, log, clock } = setup();
    for (const name of ["a", "b", "c"]) node(name);
    await settle();
    clock.advance(10 * ASK_MS);
    await settle();
    expect(published).toEqual(["a begins"]);
    expect(log.lines).toEqual([{ level: "info", route: "/f", text: "the source runs at this node" }]);
  });

  test("goes on at another one when that has stopped", async () => {
    const { node, published, ends, clock } = setup();
    const stop = node("a");
    node("b");
    await settle();
    await stop();
    clock.advance(ASK_MS);
    await settle();
    expect([published, ends]).toEqual([["a begins", "b begins"], ["a"]]);
  });

  test("ends when its claim is lost, and runs again when it is given", async () => {
    const { node, published, ends, clock, takeAway } = setup();
    node("a");
    await settle();
    const thief = await takeAway();
    await settle();
    expect(ends).toEqual(["a"]);
    clock.advance(5 * ASK_MS);
    await settle();
    expect(published).toEqual(["a begins"]);
    thief.release();
    clock.advance(ASK_MS);
    await settle();
    expect(published).toEqual(["a begins", "a begins"]);
  });

  test("publishes nothing more when its claim is lost, if it does not look at its signal", async () => {
    const { node, published, takeAway, clock } = setup();
    let say = () => {};
    node("deaf", async function* () {
      for (let n = 0; ; n += 1) {
        yield { data: n };
        await new Promise<void>((resolve) => {
          say = resolve;
        });
      }
    });
    await settle();
    say();
    await settle();
    await takeAway();
    say();
    await settle();
    clock.advance(ASK_MS);
    await settle();
    expect(published).toEqual(["0", "1"]);
  });

  test("gives its turn up when it throws, and another node takes it", async () => {
    const { node, published, clock, log } = setup();
    node("a", () => {
      throw new Error("no prices");
    });
    node("b");
    for (const _ of [1, 2]) {
      await settle();
      clock.advance(ASK_MS / 2);
    }
    await settle();
    expect(published).toEqual(["b begins"]);
    expect(log.lines.filter(({ text }) => text === "! the source threw")).toHaveLength(2);
  });

  test("waits while the engine does not answer", async () => {
    const { node, published, clock, setDown } = setup();
    setDown(true);
    node("a");
    await settle();
    clock.advance(3 * ASK_MS);
    await settle();
    expect(published).toEqual([]);
    setDown(false);
    clock.advance(ASK_MS);
    await settle();
    expect(published).toEqual(["a begins"]);
  });

  test("leaves nothing behind when it is stopped while it waits", async () => {
    const { node, clock, setDown } = setup();
    setDown(true);
    const stop = node("a");
    await settle();
    await stop();
    expect(clock.pending).toBe(0);
  });
});
