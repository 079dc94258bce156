/** The fuzzer finds what is there to be found, counts what it did, and does it again for the same seed. */
import { expect, test } from "bun:test";
import type { House } from "./house.ts";
import { fuzz } from "./run.ts";
import type { Target } from "./target.ts";

/** None is asked for: the targets here are no gateways. */
const NOBODY: House = {
  host: "",
  target: "",
  death: undefined,
  state: async () => ({ reached: 0, faults: [], heap: 0, resident: 0 }),
  serveNext: async () => {},
  emptied: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

const dice = (run: Target["run"]): Target => ({
  name: "dice",
  isOnTheWire: false,
  make: (chance) => [Buffer.from(`${chance.below(1_000)}`)],
  run,
});
const thrown = ([number]: readonly Uint8Array[]) => Number(`${number}`);

test("tells the input that failed and why, and stops there", async () => {
  const failing = dice((input) => {
    if (thrown(input) === 777) throw new Error("seven seven seven");
    return true;
  });
  const first = await fuzz(failing, NOBODY, { seed: 1, seconds: 5 });
  expect(first.fault?.text).toContain("seven seven seven");
  expect(`${first.fault?.inputs[0]}`).toBe("777");
  const second = await fuzz(failing, NOBODY, { seed: 1, seconds: 5 });
  expect([second.inputs, second.past]).toEqual([first.inputs, first.past]);
  const other = await fuzz(failing, NOBODY, { seed: 2, seconds: 5 });
  expect(other.inputs).not.toBe(first.inputs);
});

test("counts the inputs that got past the first check", async () => {
  const half = dice((input) => thrown(input) < 500);
  const { inputs, past, fault } = await fuzz(half, NOBODY, { seed: 1, seconds: 0.1 });
  expect(fault).toBeUndefined();
  expect(past / inputs).toBeCloseTo(0.5, 0);
  expect(past).toBeLessThan(inputs);
});
