// Everything: what is missing is installed, then the gate, then the system tests. Under 10 minutes. With arguments: `bun test` with those.
// The last line is `N passed, N failed, N skipped` over all parts; types and lint count as one each. Exit 1 if any failed.
import { installDebianPackages } from "./debian.mjs";
import { check, only, prepare, system } from "./steps.mjs";
import { runAndCount } from "./totals.mjs";

const { root, bun } = await prepare("test");
const asked = process.argv.slice(2);
if (asked.length === 0) installDebianPackages();
const steps = asked.length > 0 ? [only(bun, asked)] : [...check(bun), system(bun)];
const total = { passed: 0, failed: 0, skipped: 0 };
for (const step of steps) {
  const { passed, failed, skipped } = await runAndCount(root, step);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
