import { expect, test } from "bun:test";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { missingPackages } from "../../bin/install.mjs";
import { folder } from "../folder.ts";

const INSTALLER = new URL("../../bin/install.mjs", import.meta.url).href;
const lock = (packages: object) => JSON.stringify({ packages: { "": { version: "9.9.9" }, ...packages } });
const locked = lock({
  "node_modules/zod": { version: "4.0.0" },
  "node_modules/zod/node_modules/deep": { version: "1.0.0" },
  "node_modules/ws": { version: "8.0.0", dev: true },
  "node_modules/@oven/bun-other-arm64": { version: "1.4.5", optional: true },
});
const installed = {
  "package-lock.json": locked,
  "node_modules/.package-lock.json": locked,
  "node_modules/zod/package.json": "{}",
  "node_modules/zod/node_modules/deep/package.json": "{}",
  "node_modules/ws/package.json": "{}",
};
const all = { dev: true };

test("misses nothing when node_modules is what the lockfile says, optional packages aside", () => {
  expect(missingPackages(folder(installed), all)).toEqual([]);
});

test("misses every package when node_modules is not there", () => {
  expect(missingPackages(folder({ "package-lock.json": locked }), all)).toEqual(["zod", "deep", "ws"]);
});

test("misses a package whose installed version is not the locked one", () => {
  const old = lock({ ...JSON.parse(locked).packages, "node_modules/zod": { version: "3.9.9" } });
  expect(missingPackages(folder({ ...installed, "node_modules/.package-lock.json": old }), all)).toEqual([
    "zod",
  ]);
});

test("misses a package whose folder was removed by hand", () => {
  const { "node_modules/ws/package.json": _, ...rest } = installed;
  expect(missingPackages(folder(rest), all)).toEqual(["ws"]);
});

test("does not miss a development package when only running is asked for", () => {
  const { "node_modules/ws/package.json": _, ...rest } = installed;
  expect(missingPackages(folder(rest), { dev: false })).toEqual([]);
});

test("never installs where there is no lockfile, as in a package from npm", () => {
  expect(missingPackages(folder({ "package.json": "{}" }), all)).toEqual([]);
});

/** Runs the installer under Node with a stand-in for npm first on PATH. */
function install(root: string, path: string) {
  const program = `
    import { installMissing } from ${JSON.stringify(INSTALLER)};
    await installMissing(${JSON.stringify(root)}, { dev: true }).catch((error) => console.log("error: " + error.message));`;
  const node = Bun.which("node") ?? "node";
  const { stdout, stderr } = Bun.spawnSync([node, "--input-type=module", "-e", program], {
    env: { PATH: path },
  });
  return { stdout: stdout.toString(), stderr: stderr.toString() };
}

test("runs npm ci in the clone and keeps its talk off stdout", () => {
  const root = folder({ "package-lock.json": locked });
  const npm = folder({ npm: '#!/bin/sh\necho "$@" > ran\necho talk\n' });
  const { stdout, stderr } = install(root, npm);
  expect(readFileSync(join(root, "ran"), "utf8")).toBe("ci --no-audit --no-fund\n");
  expect(stdout).toBe("");
  expect(stderr).toContain("talk");
});

test("says in one line what to do when npm is not there", () => {
  const { stdout } = install(folder({ "package-lock.json": locked }), folder());
  expect(stdout).toMatch(/^error: npm could not be started .*install Node\.js with npm.*\n$/);
});

test("says in one line that npm failed, and how", () => {
  const npm = folder({ npm: "#!/bin/sh\nexit 7\n" });
  expect(install(folder({ "package-lock.json": locked }), npm).stdout).toMatch(
    /^error: npm ci failed with exit code 7.*\n$/,
  );
});

test("never installs through a node_modules that is a link to somebody else's", () => {
  const root = folder({ "package-lock.json": locked });
  symlinkSync(folder(), join(root, "node_modules"));
  const npm = folder({ npm: "#!/bin/sh\ntouch ran\n" });
  expect(install(root, npm).stdout).toContain("error: node_modules is a link");
  expect(existsSync(join(root, "ran"))).toBe(false);
});
