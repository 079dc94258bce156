// The oracle of test/system/oracle*.test.ts over 2,000 sequences, with a seed of its own. Minutes.
import { only, prepare, runStep } from "./steps.mjs";

const { root, bun } = await prepare("fuzz");
const env = { FAIRLEAD_RUNS: "2000", ...process.env };
const files = ["./test/system/oracle.test.ts", "./test/system/oracle-sockets.test.ts"];
process.exitCode = (await runStep(root, only(bun, files), env)) ? 0 : 1;
