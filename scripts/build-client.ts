// The client library for browsers, Node and Deno: each entry of the package as one module of plain JavaScript that needs no other file, in
// dist/client, or in the folder that is named. Not minified: that is for its user's bundler.
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const [outdir = join(root, "dist/client")] = process.argv.slice(2);
const entrypoints = ["index.ts", "bridge.ts", "relay.ts"].map((name) => join(root, "src/client", name));
await Bun.build({ entrypoints, outdir, target: "browser", format: "esm" });
