/**
 * `node run-suite.js FOLDER URL`, or deno, or bun; the folder has the library as it is built. It ends by itself or not at all: what the library leaves behind would keep it alive.
 */
import process from "node:process";
import { runSuite } from "./suite.js";

const [folder = "", base = ""] = process.argv.slice(2);
const doors = ["index", "relay", "bridge"].map((door) => import(`${folder}/${door}.js`));
const library = Object.assign({}, ...(await Promise.all(doors)));
process.exitCode = (await runSuite(library, base, console.log)) === 0 ? 0 : 1;
