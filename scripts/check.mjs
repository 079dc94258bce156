// The gate of every commit: types, lint, unit tests. Anything red stops it. Under 60 s.
import { spawnSync } from "node:child_process";

const steps = [
  ["types", "node_modules/.bin/tsc", ["-p", "."]],
  ["lint", "node_modules/.bin/biome", ["check", "--error-on-warnings", "."]],
  ["unit tests", "node_modules/.bin/bun", ["test", "--path-ignore-patterns=test/system/**"]],
];
for (const [name, command, args] of steps) {
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  if (status !== 0) {
    console.error(`check: ${name} failed`);
    process.exit(1);
  }
}
