import { expect, test } from "bun:test";
import type { Step } from "../../scripts/steps.mjs";
import { judge, type Totals } from "../../scripts/totals.mjs";
import { folder } from "../folder.ts";

const junit = (counts: string) => `<?xml version="1.0"?>\n<testsuites name="bun test" ${counts} time="0.01">`;
const SOME = junit('tests="7" assertions="1" failures="2" skipped="1"');

test("counts passed, failed and skipped from the runner's file", () => {
  expect(judge(false, SOME)).toMatchObject({ passed: 4, failed: 2, skipped: 1 });
});

test("counts a failure when the runner left no file", () => {
  expect(judge(true, undefined)).toEqual({
    passed: 0,
    failed: 1,
    skipped: 0,
    trouble: "the runner left no result",
  });
});

test("counts a failure when no test ran", () => {
  expect(judge(true, junit('tests="0" failures="0" skipped="0"'))).toMatchObject({
    failed: 1,
    trouble: "no test ran",
  });
});

test("counts a failure when the runner failed but no test did", () => {
  const passed = junit('tests="3" failures="0" skipped="0"');
  expect(judge(false, passed)).toMatchObject({ passed: 3, failed: 1, skipped: 0 });
});

/** Counts a step as npm test does, in a Node of its own, so that a failure on purpose does not show in this run's output. */
function count(step: Partial<Step>, root = "/"): Totals {
  const program = `
    import { runAndCount } from ${JSON.stringify(new URL("../../scripts/totals.mjs", import.meta.url).href)};
    console.log(JSON.stringify(await runAndCount(${JSON.stringify(root)}, ${JSON.stringify(step)})));`;
  const { stdout } = Bun.spawnSync(["node", "--input-type=module", "-e", program]);
  return JSON.parse(stdout.toString().trim().split("\n").at(-1) ?? "");
}

function runTests(files: Record<string, string>, seconds = 20): Totals {
  const step = { name: "sample", command: process.execPath, args: ["test"], seconds, tests: true };
  return count(step, folder(files));
}
const head = 'import { expect, test } from "bun:test";\n';

test("counts what a real run says", () => {
  const body = 'test("a", () => {}); test.skip("b", () => {}); test("c", () => expect(1).toBe(2));';
  expect(runTests({ "a.test.ts": head + body })).toEqual({ passed: 1, failed: 1, skipped: 1 });
});

test("counts a failure when a test ends the runner with exit code 0", () => {
  const body = 'test("a", () => {}); test("b", () => process.exit(0));';
  expect(runTests({ "a.test.ts": head + body }).failed).toBe(1);
});

test("counts a failure when a test kills the runner", () => {
  const body = 'test("a", () => process.kill(process.pid, "SIGKILL"));';
  expect(runTests({ "a.test.ts": head + body }).failed).toBe(1);
});

test("counts a failure when a file cannot be loaded", () => {
  const files = { "a.test.ts": `${head}test("a", () => {});`, "b.test.ts": "throw new Error('load');" };
  expect(runTests(files)).toEqual({ passed: 1, failed: 1, skipped: 0 });
});

test("kills a run that outlives its deadline and counts a failure", () => {
  const body = 'test("a", () => new Promise(() => setInterval(() => {}, 1000)), 60_000);';
  expect(runTests({ "a.test.ts": head + body }, 0.3).failed).toBe(1);
});

test("counts a step without tests as one, passed or failed", () => {
  const step = (command: string) => count({ name: "sample", command, args: [], seconds: 10 });
  expect(step("true")).toEqual({ passed: 1, failed: 0, skipped: 0 });
  expect(step("false")).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(step("/no/such/program")).toEqual({ passed: 0, failed: 1, skipped: 0 });
});
