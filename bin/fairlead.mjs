#!/usr/bin/env node
/**
 * The launcher: finds Bun and becomes Fairlead on it. Plain JavaScript without dependencies, because it runs before
 * anything is installed, under Node >= 20 or Bun.
 *
 * `fairlead [args]` runs the command line; `--run FILE [args]` as the first argument runs any script on the same Bun: the
 * project's own, or a user's that imports this package.
 * In a git clone it installs what is missing first; installed from npm it never does.
 * Fails with one line and exit 1. Past that point exit code and signals are those of the program.
 */
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { becomeBun } from "./become.mjs";
import { findBun } from "./find-bun.mjs";
import { installMissing } from "./install.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [first, file, ...rest] = process.argv.slice(2);
const isRun = first === "--run" && file !== undefined;

try {
  await installMissing(root, { dev: isRun });
  const bun = findBun(root);
  if (isRun) await becomeBun(bun, [resolve(file), ...rest]);
  else await becomeBun(bun, [resolve(root, "src/cli/main.ts"), ...process.argv.slice(2)]);
} catch (error) {
  console.error(`fairlead: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
