/**
 * Programs that system tests want and npm cannot bring. Only on Debian (or what is like it) and only as root; a failure
 * is told and not fatal, because a test that lacks its program says so itself (test/requires.ts).
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Package, and the file that proves it is there. */
const PACKAGES = {
  chromium: "/usr/bin/chromium",
  "python3-websockets": "/usr/lib/python3/dist-packages/websockets",
  websockify: "/usr/bin/websockify",
};

/** Installs those that are missing. Says nothing when there is nothing to do. */
export function installDebianPackages() {
  const missing = Object.entries(PACKAGES).flatMap(([name, file]) => (existsSync(file) ? [] : name));
  if (missing.length === 0 || !existsSync("/usr/bin/apt-get") || process.getuid?.() !== 0) return;
  console.log(`test: installing ${missing.join(", ")} with apt-get`);
  const done = apt(["update"]) && apt(["install", "--yes", "--no-install-recommends", ...missing]);
  if (!done) console.error(`test: apt-get failed; tests that need ${missing.join(", ")} are skipped`);
}

/** @param {string[]} args */
function apt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const options = ["--quiet=2", "-o", "DPkg::Lock::Timeout=60"];
  const { status } = spawnSync("apt-get", [...options, ...args], {
    env,
    stdio: ["ignore", 2, 2],
    timeout: 180_000,
  });
  return status === 0;
}
