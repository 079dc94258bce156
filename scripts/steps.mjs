/**
 * What `npm run check` and `npm test` have in common: the steps, and a way to run one that ends. A step that outlives its
 * deadline is killed and has failed.
 */
import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { findBun } from "../bin/find-bun.mjs";
import { installMissing } from "../bin/install.mjs";

/**
 * `tests`: a run of `bun test`, which has totals of its own.
 * @typedef {{ name: string, command: string, args: readonly string[], seconds: number, tests?: boolean }} Step
 */

/**
 * The packages of the lockfile and a Bun; without them, one line and exit 1.
 * @param {string} name the command that asks, for its messages
 */
export async function prepare(name) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  try {
    await installMissing(root, { dev: true });
    return { root, bun: findBun(root) };
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  }
}

/**
 * The gate of every commit.
 * @param {string} bun
 * @returns {Step[]}
 */
export function check(bun) {
  return [
    { name: "types", command: "node_modules/.bin/tsc", args: ["-p", "."], seconds: 120 },
    {
      name: "lint",
      command: "node_modules/.bin/biome",
      args: ["check", "--error-on-warnings", "."],
      seconds: 60,
    },
    // A property takes seconds where other work has the cores; what hangs is still found.
    bunTest(
      bun,
      "unit tests",
      // A worker for each core; files share what they load, which isolated ones would load 240 times.
      ["--parallel", "--no-isolate", "--timeout=20000", "--path-ignore-patterns=test/system/**"],
      180,
    ),
  ];
}

/**
 * What takes seconds, or needs other programs, npm or the network.
 * @param {string} bun
 */
export function system(bun) {
  return bunTest(bun, "system tests", ["--timeout=60000", "./test/system"], 900);
}

/**
 * What somebody at work asks for: files, or any arguments of `bun test`.
 * @param {string} bun
 * @param {readonly string[]} args
 */
export function only(bun, args) {
  return bunTest(bun, "tests asked for", ["--timeout=60000", ...args], 600);
}

/**
 * @param {string} bun
 * @param {string} name
 * @param {readonly string[]} args
 * @param {number} seconds
 * @returns {Step}
 */
function bunTest(bun, name, args, seconds) {
  return { name, command: bun, args: ["test", "--no-orphans", ...args], seconds, tests: true };
}

/**
 * True when the step ended by itself, in time, with exit code 0.
 * @param {string} root
 * @param {Step} step
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<boolean>}
 */
export function runStep(root, { name, command, args, seconds }, env = process.env) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] });
    const deadline = setTimeout(() => {
      console.error(`${name}: not done after ${seconds} s, killed`);
      child.kill("SIGTERM"); // which Bun, under --no-orphans, answers by killing what the tests started
      setTimeout(() => child.kill("SIGKILL"), 5_000).unref();
    }, seconds * 1_000);
    child.once("error", (error) => {
      console.error(`${name}: could not start ${command} (${error.message})`);
      clearTimeout(deadline);
      resolve(false);
    });
    child.once("exit", (code, signal) => {
      clearTimeout(deadline);
      if (signal !== null) console.error(`${name}: ended by ${signal}`);
      resolve(code === 0);
    });
  });
}
