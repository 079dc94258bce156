/** The bench runs from its command, and what it prints holds numbers of Fairlead itself. How good they are is never a test. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { RowResult } from "../../bench/measure.ts";
import type { Figure } from "../../bench/report.ts";
import { start } from "./program.ts";

const cwd = join(import.meta.dir, "../..");
const bench = (...args: string[]) =>
  start([process.execPath, "bin/fairlead.mjs", "--run", "bench/main.ts", ...args], { cwd });

/** What the bench found, of a run that must end well. */
async function measured(...args: string[]): Promise<{ rows: RowResult[]; figures: Figure[] }> {
  const program = bench(...args, "--quick", "--json");
  expect(await program.ended(60)).toBe(0);
  const output = program.output();
  return JSON.parse(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1));
}

test("measures every server of a row, if it is asked for one kind", async () => {
  const { rows } = await measured("relay");
  expect(rows.map(({ row }) => row.name)).toEqual(["100 B, window 1", "100 B, window 64"]);
  for (const { results } of rows) {
    expect(results.map(({ server }) => server).slice(0, 2)).toEqual(["bare", "fairlead"]);
    for (const { cpu } of results.slice(0, 2)) expect(Math.min(...cpu)).toBeGreaterThan(0);
  }
}, 70_000);

test("measures publishes of fairlead.v1, a recovery and the engine with a file, if it is asked for them", async () => {
  const { rows, figures } = await measured("pub", "recovery", "sqlite");
  for (const { results } of rows) {
    expect(results.map(({ server, failed }) => [server, failed])).toEqual([
      ["bare", undefined],
      ["fairlead", undefined],
    ]);
  }
  expect(figures).toHaveLength(9);
  for (const { name, value } of figures) if (!name.endsWith("kept")) expect(value).toBeGreaterThan(0);
}, 70_000);

test("names what can be measured and exits with 2, if a kind is unknown", async () => {
  const program = bench("ehco");
  expect(await program.ended()).toBe(2);
  expect(program.output()).toContain('"ehco" is no bench. There are: echo, room, feed');
});
