/**
 * True totals of a step. `bun test` writes them to a JUnit file at its very end, so a runner that crashed, was killed or
 * left early has no file, and that is a failure, as is a suite that ran nothing.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runStep } from "./steps.mjs";

/** @typedef {{ passed: number, failed: number, skipped: number }} Totals */

/**
 * Runs a step; one without tests of its own counts as one.
 * @param {string} root
 * @param {import("./steps.mjs").Step} step
 * @returns {Promise<Totals>}
 */
export async function runAndCount(root, step) {
  console.log(`\n# ${step.name}`);
  if (!step.tests) {
    const fine = await runStep(root, step);
    if (!fine) console.error(`test: ${step.name} failed`);
    return { passed: fine ? 1 : 0, failed: fine ? 0 : 1, skipped: 0 };
  }
  const folder = mkdtempSync(join(tmpdir(), "fairlead-totals-"));
  try {
    const file = join(folder, "junit.xml");
    const args = [...step.args, "--reporter=junit", `--reporter-outfile=${file}`];
    const fine = await runStep(root, { ...step, args });
    const { trouble, ...totals } = judge(fine, read(file));
    if (trouble !== undefined) console.error(`test: ${step.name}: ${trouble}`);
    return totals;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * A run that ended badly without a failed test, or that ran nothing, has one failure more than its file says.
 * @param {boolean} fine whether the runner ended with exit code 0
 * @param {string | undefined} junit
 * @returns {Totals & { trouble: string | undefined }}
 */
export function judge(fine, junit) {
  const { passed, failed, skipped } = parse(junit ?? "") ?? { passed: 0, failed: 0, skipped: 0 };
  const trouble =
    junit === undefined
      ? "the runner left no result"
      : passed + failed + skipped === 0
        ? "no test ran"
        : !fine && failed === 0
          ? "the runner failed outside of a test"
          : undefined;
  return { passed, failed: failed + (trouble === undefined ? 0 : 1), skipped, trouble };
}

/**
 * @param {string} junit
 * @returns {Totals | undefined}
 */
function parse(junit) {
  const head = /<testsuites ([^>]*)>/.exec(junit)?.[1];
  if (head === undefined) return undefined;
  /** @param {string} name */
  const count = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const [failed, skipped] = [count("failures") + count("errors"), count("skipped")];
  return { passed: count("tests") - failed - skipped, failed, skipped };
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // judge() names it
  }
}
