/** The programs behind `npm run`: a flag that they do not have is told in one line. */
import { expect, test } from "bun:test";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

test.each([
  ["faults", "scripts/faults.ts"],
  ["soak", "soak/main.ts"],
  ["bench", "bench/main.ts"],
])("%s ends with 2 and what it takes, if a flag is none of its own", (name, file) => {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, file, "--hlep"], { cwd: root });
  expect([exitCode, stdout.toString()]).toEqual([2, ""]);
  expect(stderr.toString()).toMatch(
    new RegExp(`^${name}: Unknown option '--hlep'; use: npm run ${name} \\[-- .*\\n$`),
  );
});
