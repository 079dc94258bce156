/**
 * In a git clone: `npm ci` when node_modules is not what package-lock.json says. Installed from npm there is no lockfile
 * (npm never packs one), so this does nothing. npm talks on stderr; stdout stays the program's.
 */
import { existsSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runChild } from "./become.mjs";

/**
 * Installs through the lockfile when something is missing or of another version.
 * @param {string} root
 * @param {{ dev: boolean }} want `dev`: count development dependencies too
 * @throws when it cannot; the message says what to do
 */
export async function installMissing(root, want) {
  const missing = missingPackages(root, want);
  if (missing.length === 0) return;
  if (isLink(join(root, "node_modules"))) {
    throw new Error(
      `node_modules is a link and lacks ${list(missing)}; run npm ci in the folder it points to, or remove the link`,
    );
  }
  console.error(`fairlead: installing what package-lock.json names (${list(missing)} missing): npm ci`);
  const end = await npmCi(root);
  if (end.signal !== null) throw new Error(`npm ci was ended by ${end.signal}`);
  if (end.code !== 0) {
    throw new Error(
      `npm ci failed with exit code ${end.code}; its own lines above say why, then run this again`,
    );
  }
}

/** @param {string} root */
async function npmCi(root) {
  try {
    const args = ["ci", "--no-audit", "--no-fund"];
    // npm is a script on Windows, which only its shell can run. The arguments are ours.
    return await runChild("npm", args, ["ignore", 2, 2], { cwd: root, shell: process.platform === "win32" });
  } catch (error) {
    throw new Error(
      `npm could not be started (${error instanceof Error ? error.message : error}); install Node.js with npm, then run npm ci in ${root}`,
    );
  }
}

/**
 * Names of locked packages that node_modules lacks or has in another version. Empty outside a clone.
 * Optional packages do not count: npm leaves out those of other platforms.
 * @param {string} root
 * @param {{ dev: boolean }} want
 * @returns {string[]}
 */
export function missingPackages(root, { dev }) {
  const locked = readPackages(join(root, "package-lock.json"));
  if (locked === undefined) return [];
  const installed = readPackages(join(root, "node_modules", ".package-lock.json")) ?? {};
  return Object.entries(locked)
    .filter(([path, entry]) => path !== "" && !entry.optional && !entry.devOptional && (dev || !entry.dev))
    .filter(
      ([path, entry]) =>
        installed[path]?.version !== entry.version || !existsSync(join(root, path, "package.json")),
    )
    .map(([path]) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length));
}

/**
 * @typedef {{ version?: string, dev?: boolean, optional?: boolean, devOptional?: boolean }} LockEntry
 * @param {string} file
 * @returns {Record<string, LockEntry> | undefined}
 */
function readPackages(file) {
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, "utf8")).packages;
}

/** @param {string} path */
function isLink(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/** @param {readonly string[]} names */
function list(names) {
  return names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
}
