/**
 * `npm run fuzz -- [target ...] [--minutes N] [--seed S]`, or `--replay FILE`: inputs that chance makes, until the time is over or one
 * of them finds a fault. Prints the seed, what each target did, and of a fault the smallest input, as a file to run again.
 * Exit code 1 with a fault, 2 for arguments that mean nothing. docs/fuzzing.md says more.
 */
import { parseArgs } from "node:util";
import { findCulprit, replay } from "./culprit.ts";
import { keepReplay, readReplay } from "./replay-file.ts";
import { fuzzAll } from "./rounds.ts";
import type { Report } from "./run.ts";
import type { Target } from "./target.ts";
import { TARGETS } from "./targets.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: `${Date.now() % 2 ** 31}` },
    replay: { type: "string" },
  },
});
const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
const unknown = positionals.filter((name) => !TARGETS.some((target) => target.name === name));
if (unknown.length > 0 || !(minutes > 0) || !Number.isSafeInteger(seed)) {
  const names = TARGETS.map(({ name }) => name).join(", ");
  console.error(`fuzz: [target ...] [--minutes N] [--seed S], or --replay FILE. Targets are ${names}.`);
  process.exit(2);
}
const wanted = TARGETS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
process.exitCode = values.replay === undefined ? await run(wanted) : await again(values.replay);

async function run(targets: readonly Target[]): Promise<number> {
  console.log(`fuzz: ${targets.length} targets, ${minutes} minutes, --seed ${seed}`);
  const found = await fuzzAll(targets, { seed, minutes, onRound: tell });
  if (found === undefined) return 0;
  const { target, fault } = found;
  console.log(`fuzz: ${target?.name ?? "all"}: ${fault.text}`);
  if (target === undefined) return 1;
  const culprit = await findCulprit(target, fault);
  const inputs = culprit === undefined ? fault.inputs : [culprit.input];
  if (culprit === undefined)
    console.log("fuzz: no input does that alone; the file has all that it may have been");
  else for (const piece of culprit.input) console.log(`fuzz: ${Buffer.from(piece).toString("hex")}`);
  console.log(`fuzz: npm run fuzz -- --replay ${keepReplay({ target: target.name, inputs }, seed)}`);
  return 1;
}

function tell({ target, inputs, past, reached }: Report): void {
  const share = Math.round((100 * past) / Math.max(1, inputs));
  const heard = reached > 0 ? `, ${reached} connections heard by a route` : "";
  console.log(`fuzz: ${target}: ${inputs} inputs, ${past} past the first check (${share} %)${heard}`);
}

async function again(file: string): Promise<number> {
  const { target: name, inputs } = readReplay(file);
  const target = TARGETS.find((each) => each.name === name);
  if (target === undefined) throw new Error(`${file} is for ${name}, which is no target`);
  const problem = await replay(target, inputs);
  console.log(`fuzz: ${problem ?? "no fault"}`);
  return problem === undefined ? 0 : 1;
}
