import { describe, expect, test } from "bun:test";
import { countWorkers } from "../../../src/cli/workers/count.ts";
import { requires } from "../../requires.ts";

test.each([
  [3, 8, 0, 3],
  ["auto", 8, 0, 8],
  ["auto", 8, 2.9, 2],
  ["auto", 8, 0.5, 1],
  ["auto", 2, 6, 2],
] as const)(
  "workers: %p with %i cores, of which the group has %d, are %i",
  (workers, cores, share, count) => {
    expect(countWorkers(workers, cores, share)).toBe(count);
  },
);

describe("workers: auto", () => {
  requires("taskset")("is one for each core that this process may use", ({ taskset }) => {
    const script = `const { countWorkers } = await import(${JSON.stringify(`${import.meta.dir}/../../../src/cli/workers/count.ts`)}); console.log(countWorkers("auto"));`;
    const { stdout } = Bun.spawnSync([taskset, "-c", "0", process.execPath, "-e", script]);
    expect(stdout.toString()).toBe("1\n");
  });
});
