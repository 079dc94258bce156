/**
 * Ten seconds of fuzzing with a seed that stays the same; `npm run fuzz -- --minutes N` goes on where this ends. At least a third of
 * all inputs must get past the first check, or the code behind it is not tested at all.
 */
import { expect, test } from "bun:test";
import { fuzzAll } from "../fuzz/rounds.ts";
import type { Report } from "../fuzz/run.ts";
import { TARGETS } from "../fuzz/targets.ts";

const SEED = 20_261_121;
const MINUTES = 10 / 60;

test("no input is a crash, a hang, an error of ours, or a status or code that is not documented", async () => {
  const reports: Report[] = [];
  const found = await fuzzAll(TARGETS, { seed: SEED, minutes: MINUTES, onRound: (one) => reports.push(one) });
  expect(found?.fault.text).toBeUndefined();
  expect(reports.map(({ target }) => target)).toEqual(TARGETS.map(({ name }) => name));
  const shallow = reports.filter(({ inputs, past }) => past < inputs / 3);
  expect(shallow).toEqual([]);
}, 60_000);
