// The oracle of test/system/oracle.test.ts over 2,000 sequences for each engine, with a seed of its own. Minutes.
import { only, prepare, runStep } from "./steps.mjs";

const { root, bun } = await prepare("fuzz");
const env = { FAIRLEAD_RUNS: "2000", ...process.env };
process.exitCode = (await runStep(root, only(bun, ["./test/system/oracle.test.ts"]), env)) ? 0 : 1;
