import { expect, test } from "bun:test";
import { createRounds } from "../../../src/cli/workers/rounds.ts";

/** Rounds that end when the test says so, each with its number. */
function rounds() {
  const ends: { resolve(n: number): void; reject(error: Error): void }[] = [];
  const ask = createRounds(() => {
    const { promise, ...end } = Promise.withResolvers<number>();
    ends.push(end);
    return promise;
  });
  return { ask, ends };
}

test("whoever asks during a round is answered by the next one, all by the same", async () => {
  const { ask, ends } = rounds();
  const first = ask();
  const later = [ask(), ask(), ask()];
  expect(ends).toHaveLength(1);
  ends[0]?.resolve(1);
  expect(await first).toBe(1);
  expect(ends).toHaveLength(2);
  const last = ask();
  ends[1]?.resolve(2);
  expect(await Promise.all(later)).toEqual([2, 2, 2]);
  ends[2]?.resolve(3);
  expect(await last).toBe(3);
});

test("whoever asks when all is quiet is asked for at once", async () => {
  const { ask, ends } = rounds();
  for (const n of [0, 1, 2]) {
    const answer = ask();
    ends[n]?.resolve(n);
    expect(await answer).toBe(n);
  }
});

test("a round that fails is over, and the next one begins", async () => {
  const { ask, ends } = rounds();
  const [first, second] = [ask(), ask()];
  ends[0]?.reject(new Error("no"));
  await expect(first).rejects.toThrow("no");
  ends[1]?.resolve(2);
  expect(await second).toBe(2);
});
