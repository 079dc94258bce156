/** The bench runs from its command, and what it prints holds numbers of Fairlead itself. How good they are is never a test. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { RowResult } from "../../bench/measure.ts";
import { start } from "./program.ts";

const cwd = join(import.meta.dir, "../..");
const bench = (...args: string[]) =>
  start([process.execPath, "bin/fairlead.mjs", "--run", "bench/main.ts", ...args], { cwd });

test("measures every server of a row, if it is asked for one kind", async () => {
  const program = bench("relay", "--quick", "--json");
  expect(await program.ended(60)).toBe(0);
  const output = program.output();
  const { rows }: { rows: RowResult[] } = JSON.parse(
    output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1),
  );
  expect(rows.map(({ row }) => row.name)).toEqual(["100 B, window 1", "100 B, window 64"]);
  for (const { results } of rows) {
    expect(results.map(({ server }) => server).slice(0, 2)).toEqual(["bare", "fairlead"]);
    for (const { cpu } of results.slice(0, 2)) expect(Math.min(...cpu)).toBeGreaterThan(0);
  }
}, 70_000);

test("names what can be measured and exits with 2, if a kind is unknown", async () => {
  const program = bench("ehco");
  expect(await program.ended()).toBe(2);
  expect(program.output()).toContain('"ehco" is no bench. There are: echo, room, feed');
});
