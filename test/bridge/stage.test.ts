import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createStage, type StageOwner } from "../../src/bridge/stage.ts";

const STAGE = 512 * 1024;
const bytes = (text: string) => new TextEncoder().encode(text);
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** An owner that remembers each write as text, and where all owners see the order. */
function owner(name: string, log: string[]): StageOwner {
  return { write: (given) => void log.push(`${name}:${new TextDecoder().decode(given)}`) };
}

describe("the stage", () => {
  test("hands over what one turn brought in one write, when the turn ends", async () => {
    const [stage, log] = [createStage(), [] as string[]];
    const a = owner("a", log);
    for (const part of ["1", "2", "3"]) {
      stage.add(a, bytes(part));
      await Promise.resolve(); // the runtime runs microtasks after each frame
    }
    expect(log).toEqual([]);
    await nextTurn();
    expect(log).toEqual(["a:123"]);
  });

  test("waits for the next turn again after the first", async () => {
    const [stage, log] = [createStage(), [] as string[]];
    const a = owner("a", log);
    for (const part of ["1", "2"]) {
      stage.add(a, bytes(part));
      await nextTurn();
    }
    expect(log).toEqual(["a:1", "a:2"]);
  });

  test("hands over nothing a second time if nothing came since", async () => {
    const [stage, log] = [createStage(), [] as string[]];
    const a = owner("a", log);
    stage.add(a, bytes("1"));
    stage.flush(a);
    stage.flush(a);
    await nextTurn();
    expect(log).toEqual(["a:1"]);
  });

  test("leaves headers out, of long and of short messages, of the first and of those behind it", async () => {
    const message = fc.tuple(fc.nat(16), fc.stringMatching(/^[a-z]{0,9}$/));
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 30 }), async (messages) => {
        const [stage, log] = [createStage(), [] as string[]];
        const a = owner("a", log);
        for (const [start, text] of messages) stage.add(a, bytes("#".repeat(start) + text), start);
        await nextTurn();
        expect(log.join("").replaceAll("a:", "")).toBe(messages.map(([, text]) => text).join(""));
      }),
      { numRuns: 100 },
    );
  });

  test("leaves the header of a message out that is too large for it", () => {
    const [stage, log] = [createStage(), [] as string[]];
    stage.add({ write: (given) => log.push(`${given.length}`) }, new Uint8Array(STAGE + 6), 6);
    expect(log).toEqual([`${STAGE}`]);
  });

  test("gives each of two owners its own bytes in order, however their frames interleave", async () => {
    const turn = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.stringMatching(/^[0-9]{1,9}$/)), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(turn, async (frames) => {
        const [stage, log] = [createStage(), [] as string[]];
        const owners = new Map(["a", "b", "c"].map((name) => [name, owner(name, log)]));
        for (const [name, text] of frames) stage.add(owners.get(name) ?? owner("?", log), bytes(text));
        await nextTurn();
        for (const name of owners.keys()) {
          const said = frames.flatMap(([from, text]) => (from === name ? text : [])).join("");
          const got = log.flatMap((line) => (line.startsWith(name) ? line.slice(2) : [])).join("");
          expect(got).toBe(said);
        }
      }),
    );
  });

  test("flushes for its owner only", () => {
    const [stage, log] = [createStage(), [] as string[]];
    const [a, b] = [owner("a", log), owner("b", log)];
    stage.add(a, bytes("1"));
    stage.flush(b);
    expect(log).toEqual([]);
    stage.flush(a);
    expect(log).toEqual(["a:1"]);
  });

  test("keeps the order of bytes of any size, also of those it cannot hold", async () => {
    const sizes = [1, STAGE - 1, 1, STAGE, STAGE + 1, 2, 3 * STAGE, 5];
    const whole: Buffer[] = [];
    const got: Buffer[] = [];
    const stage = createStage();
    const a: StageOwner = { write: (given) => void got.push(Buffer.from(given)) };
    for (const [index, size] of sizes.entries()) {
      stage.add(a, new Uint8Array(size).fill(index));
      whole.push(Buffer.alloc(size, index));
    }
    await nextTurn();
    expect(Buffer.concat(got).equals(Buffer.concat(whole))).toBe(true);
    expect(got.length).toBeLessThanOrEqual(sizes.length);
  });

  test("fills up to its size and no further before it writes", () => {
    const writes: number[] = [];
    const stage = createStage();
    const a: StageOwner = { write: ({ length }) => void writes.push(length) };
    stage.add(a, new Uint8Array(STAGE - 1));
    stage.add(a, new Uint8Array(1));
    expect(writes).toEqual([]);
    stage.add(a, new Uint8Array(1));
    expect(writes).toEqual([STAGE]);
    stage.flush(a);
    expect(writes).toEqual([STAGE, 1]);
  });
});
