import { expect, test } from "bun:test";
import { inNextTurn } from "../../../src/client/relay/turn.ts";

/** What has happened when the next turn came. */
async function order(): Promise<string[]> {
  const seen: string[] = [];
  await new Promise<void>((done) => {
    inNextTurn(() => {
      seen.push("next turn");
      done();
    });
    queueMicrotask(() => queueMicrotask(() => seen.push("this turn")));
  });
  return seen;
}

test("comes after all of this turn", async () => {
  expect(await order()).toEqual(["this turn", "next turn"]);
});

test("comes without setImmediate, too, as in a browser", async () => {
  const known = globalThis.setImmediate;
  Object.assign(globalThis, { setImmediate: undefined });
  try {
    expect(await order()).toEqual(["this turn", "next turn"]);
  } finally {
    globalThis.setImmediate = known;
  }
});
