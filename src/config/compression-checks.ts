/** A setting of `compression` that would break what it promises: a bound for what comes of one message. */
import { isTable, valueAt } from "./key-path.ts";
import type { Problem } from "./problems.ts";
import { parseSize } from "./units.ts";

export function compressionProblems(routes: Readonly<Record<string, unknown>>): Problem[] {
  const endless = Object.keys(routes).find((path) => isEndless(valueAt(routes, [path, "maxMessage"])));
  if (endless === undefined) return [];
  return Object.keys(routes)
    .filter((path) => isOn(valueAt(routes, [path, "compression"])))
    .map((path) => bombProblem(path, endless));
}

const isOn = (compression: unknown) => compression === true || isTable(compression);

/** The runtime has one limit for a port, that of the route which takes the most. */
function bombProblem(path: string, endless: string): Problem {
  const where = endless === path ? "its route" : `the route ${JSON.stringify(endless)} of the same port`;
  return {
    path: ["routes", path, "compression"],
    text: `is not possible while ${where} has maxMessage 0: a few bytes would inflate without a limit`,
    hint: " Give that route a maxMessage, or remove compression.",
  };
}

function isEndless(maxMessage: unknown): boolean {
  return maxMessage === 0 || (typeof maxMessage === "string" && parseSize(maxMessage) === 0);
}
