/** JavaScript runtimes from npm, one exact version each. */
import { join } from "node:path";
import { npmPackage } from "./npm-package.ts";

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
  return join(npmPackage(name, `${name}@${spec}`), program);
}
