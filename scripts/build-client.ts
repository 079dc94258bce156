// The client library as one module of plain JavaScript, for browsers, Node and Deno: dist/client/index.js, or index.js in the folder
// that is named. Not minified: that is for its user's bundler.
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const [outdir = join(root, "dist/client")] = process.argv.slice(2);
const entrypoints = [join(root, "src/client/index.ts")];
await Bun.build({ entrypoints, outdir, target: "browser", format: "esm" });
