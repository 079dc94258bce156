/**
 * `npm run conformance [GROUP ...]`: plays all cases, or those of the groups that are named, against a gateway of its own. Of all it writes
 * the tables of docs/conformance.md. Exit 1 if a case comes out otherwise than its file says, 2 for a group that there is not.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { markdownTable } from "../../scripts/markdown-table.ts";
import { GROUPS } from "./groups.ts";
import { GROUP_HEAD, groupCells, reported } from "./report.ts";
import { run, surprises } from "./run.ts";

const PAGE = join(import.meta.dir, "../../docs/conformance.md");

const asked = process.argv.slice(2);
const unknown = asked.filter((id) => !GROUPS.some((group) => group.id === id));
if (unknown.length > 0) {
  const known = GROUPS.map(({ id, title }) => `${id} (${title})`).join(", ");
  console.error(`conformance: "${unknown.join(" ")}" is no group. There are: ${known}.`);
  process.exit(2);
}

const groups = asked.length === 0 ? GROUPS : GROUPS.filter(({ id }) => asked.includes(id));
const results = await run(groups);
if (asked.length === 0) writeFileSync(PAGE, reported(readFileSync(PAGE, "utf8"), groups, results));
console.log(
  markdownTable(
    GROUP_HEAD,
    groups.map((group) => groupCells(group, results)),
  ),
);
const surprising = surprises(results);
for (const surprise of surprising) console.log(surprise);
console.log(`conformance: ${results.length} cases, ${surprising.length} not as expected`);
process.exitCode = surprising.length === 0 ? 0 : 1;
