/** A small copy of this project that the launcher can start: bin/, a stand-in as src/cli/main.ts, and one of npm's layouts. */
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folder } from "../folder.ts";

export const project = join(import.meta.dir, "../..");

/** `scripts ran`: bun/bin/bun.exe is the program. `scripts ignored`: it is a stub, and the platform's package has the program. */
export type Layout = "scripts ran" | "scripts ignored";

export function smallClone(layout: Layout = "scripts ran"): string {
  const root = folder({
    "package.json": readFileSync(join(project, "package.json"), "utf8"),
    "node_modules/bun/package.json": JSON.stringify({ optionalDependencies: { "@oven/bun-here": "1.4.5" } }),
    "node_modules/@oven/bun-here/package.json": "{}",
  });
  cpSync(join(project, "bin"), join(root, "bin"), { recursive: true });
  cpSync(join(import.meta.dir, "stand-in.ts"), join(root, "src/cli/main.ts"));
  layBun(root, layout);
  return root;
}

function layBun(root: string, layout: Layout): void {
  const exe = join(root, "node_modules/bun/bin/bun.exe");
  const platform = join(root, "node_modules/@oven/bun-here/bin/bun");
  for (const path of [exe, platform]) mkdirSync(join(path, ".."), { recursive: true });
  symlinkSync(process.execPath, layout === "scripts ran" ? exe : platform);
  if (layout === "scripts ran") return;
  writeFileSync(exe, "echo install scripts did not run >&2; exit 1\n");
  chmodSync(exe, 0o755);
}
