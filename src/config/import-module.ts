/**
 * The TypeScript config: a module whose default export is the config. It is a program of the user's own, so it may do
 * anything; what it throws is told in one line.
 */
import { dirname } from "node:path";
import { defineConfig } from "./define.ts";
import { showValue } from "./key-path.ts";
import type { Read } from "./source-map.ts";
import { createSourceMap } from "./source-map.ts";

/** `file` is an absolute path. */
export async function importModule(file: string): Promise<Read> {
  try {
    provideFairlead(dirname(file));
    const exported: { default?: unknown } = await import(file);
    if (exported.default === undefined) {
      return { faults: [{ text: "has no default export; write export default defineConfig({ ... })" }] };
    }
    return { source: { value: exported.default, lines: createSourceMap() } };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { faults: [{ text: `cannot be loaded: ${showValue(text).slice(1, -1)}` }] };
  }
}

/** Run by npx or from a global install, there is no package to import `defineConfig` from; then it is ours. */
function provideFairlead(folder: string): void {
  if (isInstalled(folder)) return;
  Bun.plugin({
    name: "fairlead",
    setup(build) {
      build.module("fairlead", () => ({ exports: { defineConfig }, loader: "object" }));
    },
  });
}

function isInstalled(folder: string): boolean {
  try {
    return Bun.resolveSync("fairlead", folder) !== "";
  } catch {
    return false; // not resolvable is the answer, not a failure
  }
}
