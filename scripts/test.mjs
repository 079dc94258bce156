// Everything: what is missing is installed, then the gate, then the system tests. Under 10 minutes.
// The last line is `N passed, N failed, N skipped` over all parts; types and lint count as one each. Exit 1 if any failed.
import { installDebianPackages } from "./debian.mjs";
import { check, prepare, system } from "./steps.mjs";
import { runAndCount } from "./totals.mjs";

const { root, bun } = await prepare("test");
installDebianPackages();
const total = { passed: 0, failed: 0, skipped: 0 };
for (const step of [...check(bun), system(bun)]) {
  const { passed, failed, skipped } = await runAndCount(root, step);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
