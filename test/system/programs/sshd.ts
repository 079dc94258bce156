/**
 * OpenSSH for one test: a server on 127.0.0.1 with keys and a config of its own, into which whoever runs the tests may log in with a key
 * that nobody else has; and the flags with which its clients read nothing else of this machine.
 */
import { onTestFinished } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folder } from "../../folder.ts";
import { start } from "../program.ts";
import { freePort } from "./free-port.ts";

/** What the server calls itself; no name of any network. */
const HOST = "sshd.test";
/** Where a server of root wants an empty folder; the system's own start script makes it too. */
const EMPTY = "/run/sshd";

export interface Sshd {
  /** `127.0.0.1:PORT` */
  readonly target: string;
  /** Temporary, and gone with the test. */
  readonly cwd: string;
  readonly host: string;
  /** For ssh and scp; `proxy` is the command that leads to the server. */
  flags(proxy: string): string[];
}

/** Runs until the test ends. */
export async function startSshd(sshd: string): Promise<Sshd> {
  const cwd = folder();
  const port = await freePort();
  for (const key of ["host", "user"]) makeKey(join(cwd, key));
  writeFileSync(join(cwd, "known"), `${HOST} ${readFileSync(join(cwd, "host.pub"), "utf8")}`);
  writeFileSync(join(cwd, "sshd_config"), config(cwd, port));
  makeEmptyFolder();
  const server = start([sshd, "-D", "-e", "-f", join(cwd, "sshd_config")], { cwd });
  await server.says(/Server listening on 127\.0\.0\.1/);
  return {
    target: `127.0.0.1:${port}`,
    cwd,
    host: `${userName()}@${HOST}`,
    flags: (proxy) => ["-F", "none", ...options(cwd, proxy).flatMap((option) => ["-o", option])],
  };
}

/** `StrictModes` would refuse keys in a folder for temporary files. */
function config(cwd: string, port: number): string {
  return [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${join(cwd, "host")}`,
    `AuthorizedKeysFile ${join(cwd, "user.pub")}`,
    "AuthenticationMethods publickey",
    "PermitRootLogin prohibit-password",
    "StrictModes no",
    "UsePAM no",
    "PidFile none",
    "Subsystem sftp internal-sftp",
  ].join("\n");
}

function options(cwd: string, proxy: string): string[] {
  return [
    `ProxyCommand=${proxy.replaceAll("%", "%%")}`,
    `IdentityFile=${join(cwd, "user")}`,
    "IdentitiesOnly=yes",
    "BatchMode=yes",
    `UserKnownHostsFile=${join(cwd, "known")}`,
    "GlobalKnownHostsFile=none",
    "StrictHostKeyChecking=yes",
  ];
}

function makeKey(file: string): void {
  const { exitCode, stderr } = Bun.spawnSync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file]);
  if (exitCode !== 0) throw new Error(`ssh-keygen ended with ${exitCode}: ${stderr}`);
}

/** Not what $USER says: a service or a container may have none. */
function userName(): string {
  return Bun.spawnSync(["id", "-un"]).stdout.toString().trim();
}

function makeEmptyFolder(): void {
  if (process.getuid?.() !== 0 || existsSync(EMPTY)) return;
  mkdirSync(EMPTY, { mode: 0o755 });
  onTestFinished(() => rmdirSync(EMPTY));
}
