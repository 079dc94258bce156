/**
 * Programs that system tests want and npm cannot bring. Only on Debian (or what is like it) and only as root; a failure
 * is told and not fatal, because a test that lacks its program says so itself (test/requires.ts).
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Package, and the file that proves it is there. */
const PACKAGES = {
  chromium: "/usr/bin/chromium",
  "openssh-client": "/usr/bin/ssh",
  "python3-websockets": "/usr/lib/python3/dist-packages/websockets",
  // The server's program is in it, under another name: test/redis-house.ts knows. The package redis-server adds the name and a service.
  "redis-tools": "/usr/bin/redis-check-rdb",
  "tigervnc-standalone-server": "/usr/bin/Xtigervnc",
  websockify: "/usr/bin/websockify",
};

/** These would start a service of the whole system and keep it on: an sshd for having run tests is no fair price. */
const SERVICES = {
  caddy: "/usr/bin/caddy",
  haproxy: "/usr/sbin/haproxy",
  mosquitto: "/usr/sbin/mosquitto",
  "nginx-light": "/usr/sbin/nginx",
  "openssh-server": "/usr/sbin/sshd",
  "redis-server": "/usr/bin/redis-server",
};

/** Answers 101 where packages may not start services; container images of Debian bring one that always does. */
const POLICY = "/usr/sbin/policy-rc.d";
const FORBIDDEN = 101;

/** All the time that installing may take, whatever is missing. */
const PATIENCE_MS = 240_000;

/** Installs those that are missing. Says nothing when there is nothing to do. */
export function installDebianPackages() {
  if (!existsSync("/usr/bin/apt-get") || process.getuid?.() !== 0) return;
  const deadline = Date.now() + PATIENCE_MS;
  for (const names of [missing(PACKAGES), allowed(missing(SERVICES))]) {
    if (names.length > 0) install(names, deadline);
  }
}

/** @param {Readonly<Record<string, string>>} packages */
function missing(packages) {
  return Object.entries(packages).flatMap(([name, file]) => (existsSync(file) ? [] : name));
}

/** @param {readonly string[]} services */
function allowed(services) {
  if (services.length === 0) return services;
  const { status } = spawnSync(POLICY, [String(services[0]), "start"], { stdio: "ignore" });
  if (status === FORBIDDEN) return services;
  console.error(`test: not installing ${services.join(", ")}, which would run on this machine from now on`);
  return [];
}

/**
 * @param {readonly string[]} names
 * @param {number} deadline
 */
function install(names, deadline) {
  console.log(`test: installing ${names.join(", ")} with apt-get`);
  const done =
    apt(["update"], deadline) && apt(["install", "--yes", "--no-install-recommends", ...names], deadline);
  if (!done) console.error(`test: apt-get failed; tests that need ${names.join(", ")} are skipped`);
}

/**
 * @param {readonly string[]} args
 * @param {number} deadline
 */
function apt(args, deadline) {
  const timeout = deadline - Date.now();
  if (timeout <= 0) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const options = ["--quiet=2", "-o", "DPkg::Lock::Timeout=60"];
  const { status } = spawnSync("apt-get", [...options, ...args], {
    env,
    stdio: ["ignore", 2, 2],
    timeout,
  });
  return status === 0;
}
