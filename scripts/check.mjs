// The gate of every commit: types, lint, unit tests. Anything red stops it. Under 60 s.
import { check, prepare, runStep } from "./steps.mjs";

const { root, bun } = await prepare("check");
for (const step of check(bun)) {
  if (await runStep(root, step)) continue;
  console.error(`check: ${step.name} failed`);
  process.exit(1);
}
