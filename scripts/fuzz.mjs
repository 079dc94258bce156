// The oracles of topics and of relays over ten times as many sequences as in npm test, with a seed of their own. Minutes.
import { only, prepare, runStep } from "./steps.mjs";

const { root, bun } = await prepare("fuzz");
const env = { FAIRLEAD_RUNS: "2000", ...process.env };
const oracles = ["oracle", "oracle-sockets", "relay-oracle", "relay-oracle-sockets"];
const files = oracles.map((name) => `./test/system/${name}.test.ts`);
process.exitCode = (await runStep(root, only(bun, files), env)) ? 0 : 1;
