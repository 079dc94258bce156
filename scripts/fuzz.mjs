// Inputs that chance makes, for a minute or `--minutes N` (test/fuzz/main.ts); with `--oracles` the oracles of topics, nodes and relays,
// over ten times as many sequences as in npm test, with a seed of their own: minutes, too.
import { only, prepare, runStep } from "./steps.mjs";

const { root, bun } = await prepare("fuzz");
const asked = process.argv.slice(2);
const relays = ["relay-oracle", "relay-oracle-sockets", "relay-oracle-nodes"];
const oracles = ["oracle", "oracle-sockets", "nodes-oracle", ...relays];
const files = oracles.map((name) => `./test/system/${name}.test.ts`);
const inputs = { name: "fuzz", command: bun, args: ["test/fuzz/main.ts", ...asked], seconds: 86_400 };
// Ten seeds of each kind of trouble of nodes take seven minutes alone.
const step = asked.includes("--oracles") ? { ...only(bun, files), seconds: 1_800 } : inputs;
process.exitCode = (await runStep(root, step, { FAIRLEAD_RUNS: "2000", ...process.env })) ? 0 : 1;
