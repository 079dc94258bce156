/** JavaScript runtimes from npm, one exact version each. Installed once per machine, beside the temporary files. */
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { platform, arch } = process;
const libc = platform === "linux" ? "-glibc" : "";

/** What npm calls it here, and where its program lies in that package. */
const RUNTIMES = {
  "node 22": { name: "node22", spec: `npm:node-${platform}-${arch}@22.23.3`, program: "bin/node" },
  "node 24": { name: "node24", spec: `npm:node-${platform}-${arch}@24.9.0`, program: "bin/node" },
  deno: { name: "deno", spec: `npm:@deno/${platform}-${arch}${libc}@2.9.6`, program: "deno" },
} as const;
export type Runtime = keyof typeof RUNTIMES;
export const runtimes = Object.keys(RUNTIMES) as Runtime[];

/** Absolute path of its program. Takes npm about 10 s the first time, and the network. */
export function runtime(wanted: Runtime): string {
  const { name, spec, program } = RUNTIMES[wanted];
  const home = join(tmpdir(), `fairlead-runtime-${spec.replaceAll(/\W+/g, "-")}`);
  if (!existsSync(home)) install(`${name}@${spec}`, home);
  return join(home, "node_modules", name, program);
}

/** Under another name until all is there: a run beside this one sees the whole or nothing. */
function install(what: string, home: string): void {
  const half = mkdtempSync(`${home}-`);
  const npm = [
    "npm",
    "install",
    "--no-save",
    "--no-package-lock",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
  ];
  const { exitCode, stderr } = Bun.spawnSync([...npm, "--prefix", half, what], {
    cwd: half,
    timeout: 120_000,
  });
  if (exitCode !== 0) throw new Error(`npm install ${what} ended with ${exitCode}:\n${stderr}`);
  if (existsSync(home)) rmSync(half, { recursive: true });
  else renameSync(half, home);
}
