/**
 * `node run-suite.js LIBRARY URL`, or deno, or bun. It ends by itself or not at all: what the library leaves behind would keep it alive.
 */
import process from "node:process";
import { runSuite } from "./suite.js";

const [library = "", base = ""] = process.argv.slice(2);
process.exitCode = (await runSuite(await import(library), base, console.log)) === 0 ? 0 : 1;
