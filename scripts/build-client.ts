// The client library as one module of plain JavaScript, for browsers, Node and Deno: dist/client/index.js. Not minified: that is its user's bundler's.
import { join } from "node:path";

const root = join(import.meta.dir, "..");
await Bun.build({
  entrypoints: [join(root, "src/client/index.ts")],
  outdir: join(root, "dist/client"),
  target: "browser",
  format: "esm",
});
