import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Data } from "../src/connection.ts";
import { createTurn } from "../src/turn.ts";

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

function logged() {
  const log: string[] = [];
  const turn = createTurn<string, Data>((to, messages) => void log.push(`${to}:${messages.join("")}`));
  return { log, turn };
}

describe("a turn", () => {
  test("hands over what it brought for one receiver at once, when it ends", async () => {
    const { log, turn } = logged();
    for (const text of ["1", "2", "3"]) {
      turn.add("a", text);
      await Promise.resolve(); // the runtime runs microtasks after each frame
    }
    expect(log).toEqual([]);
    await nextTurn();
    expect(log).toEqual(["a:123"]);
  });

  test("is followed by another one", async () => {
    const { log, turn } = logged();
    for (const text of ["1", "2"]) {
      turn.add("a", text);
      await nextTurn();
    }
    expect(log).toEqual(["a:1", "a:2"]);
  });

  test("hands over nothing twice, and nothing to nobody", async () => {
    const { log, turn } = logged();
    turn.flush("a");
    turn.add("a", "1");
    turn.flush("a");
    turn.flush("a");
    await nextTurn();
    expect(log).toEqual(["a:1"]);
  });

  test("is flushed for its receiver only", () => {
    const { log, turn } = logged();
    turn.add("a", "1");
    turn.flush("b");
    expect(log).toEqual([]);
    turn.flush("a");
    expect(log).toEqual(["a:1"]);
  });

  test("keeps what is added while it hands over, for the next hand-over", async () => {
    const log: string[] = [];
    const turn = createTurn<string, Data>((to, messages) => {
      log.push(`${to}:${messages.join("")}`);
      if (log.length === 1) turn.add("a", "more");
    });
    turn.add("a", "1");
    turn.flush("a");
    expect(log).toEqual(["a:1"]);
    await nextTurn();
    expect(log).toEqual(["a:1", "a:more"]);
  });

  test("gives each receiver its own messages in order, however they interleave", async () => {
    const adds = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.stringMatching(/^[0-9]{0,3}$/)));
    await fc.assert(
      fc.asyncProperty(adds, async (all) => {
        const got = new Map<string, Data[]>();
        const turn = createTurn<string, Data>((to, messages) =>
          got.set(to, [...(got.get(to) ?? []), ...messages]),
        );
        for (const [to, text] of all) turn.add(to, text);
        await nextTurn();
        for (const name of ["a", "b", "c"])
          expect(got.get(name) ?? []).toEqual(all.flatMap(([to, text]) => (to === name ? [text] : [])));
      }),
    );
  });
});
