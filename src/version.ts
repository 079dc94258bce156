/** The version of this package, from the one place that names it. */
import { readFileSync } from "node:fs";

const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
export const VERSION: string = JSON.parse(text).version;
