/**
 * Finds a Bun that answers. npm puts the real binary in `bun/bin/bun.exe` when install scripts ran and in
 * `@oven/bun-<platform>/bin/bun` when they did not, and a stub or nothing in the other place, so no file counts by its name:
 * a candidate counts only if `--version` answers with 1.4 or newer.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join, resolve } from "node:path";

const NEEDED = "1.4";
const exe = process.platform === "win32" ? ".exe" : "";

/**
 * Absolute path of Bun for the package at `root`. `$FAIRLEAD_BUN` is an order: a wrong one is an error, not a reason to look on.
 * @param {string} root
 * @param {Record<string, string | undefined>} [env]
 * @returns {string}
 * @throws when there is none; the message says what to do
 */
export function findBun(root, { FAIRLEAD_BUN, PATH } = process.env) {
  if (isNewEnough(process.versions.bun)) return process.execPath;
  if (FAIRLEAD_BUN) {
    const ordered = resolve(FAIRLEAD_BUN);
    if (answers(ordered)) return ordered;
    throw new Error(
      `FAIRLEAD_BUN=${FAIRLEAD_BUN} is not a Bun >= ${NEEDED}; unset it, or give the path of the bun program`,
    );
  }
  for (const candidates of [packaged(root), onPath(PATH ?? "")]) {
    for (const candidate of candidates) if (existsSync(candidate) && answers(candidate)) return candidate;
  }
  throw new Error(
    `found no Bun >= ${NEEDED} for ${process.platform}-${process.arch}; run npm install with optional dependencies, or set FAIRLEAD_BUN to the path of a bun program (https://bun.com)`,
  );
}

/**
 * What the npm package `bun` brings, wherever npm put it: Node's own resolution knows nested, hoisted and linked layouts.
 * Each is looked for only when the one before was not it.
 * @param {string} root
 */
function* packaged(root) {
  const manifest = resolveFrom(join(root, "package.json"), "bun/package.json");
  if (manifest === undefined) return;
  yield join(dirname(manifest), "bin", "bun.exe");
  const { optionalDependencies = {} } = createRequire(manifest)(manifest);
  for (const name of Object.keys(optionalDependencies)) {
    const found = resolveFrom(manifest, `${name}/package.json`);
    if (found !== undefined) yield join(dirname(found), "bin", `bun${exe}`);
  }
}

/**
 * @param {string} from
 * @param {string} request
 */
function resolveFrom(from, request) {
  try {
    return createRequire(from).resolve(request);
  } catch {
    return undefined; // not installed: the next candidate decides
  }
}

/** @param {string} path */
function onPath(path) {
  return path.split(delimiter).flatMap((dir) => (dir === "" ? [] : join(dir, `bun${exe}`)));
}

/** @param {string} candidate */
function answers(candidate) {
  const { status, stdout } = spawnSync(candidate, ["--version"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 10_000,
  });
  return status === 0 && isNewEnough(stdout);
}

/** @param {string | undefined} version */
function isNewEnough(version) {
  const match = /^(\d+)\.(\d+)\./.exec(version ?? "");
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > 1 || (major === 1 && minor >= 4);
}
