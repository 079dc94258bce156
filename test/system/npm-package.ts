/** Packages from npm that one test needs and nobody else, an exact version each. Installed once per machine, beside the temporary files. */
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Absolute path of the package's folder. Takes npm some seconds the first time, and the network.
 *
 * @param name what it is called in node_modules
 * @param spec what npm installs: `mqtt@5.16.0`, `npm:other@1.0.0`
 */
export function npmPackage(name: string, spec: string): string {
  const home = join(tmpdir(), `fairlead-npm-${spec.replaceAll(/\W+/g, "-")}`);
  if (!existsSync(home)) install(spec, home);
  return join(home, "node_modules", name);
}

/** Under another name until all is there: a run beside this one sees the whole or nothing. */
function install(spec: string, home: string): void {
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
  const { exitCode, stderr } = Bun.spawnSync([...npm, "--prefix", half, spec], {
    cwd: half,
    timeout: 120_000,
  });
  if (exitCode !== 0) throw new Error(`npm install ${spec} ended with ${exitCode}:\n${stderr}`);
  if (existsSync(home)) rmSync(half, { recursive: true });
  else renameSync(half, home);
}
