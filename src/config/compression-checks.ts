/** Settings of `compression` that would break what it promises: no memory of earlier messages, and a bound for what comes of one. */
import { isTable, valueAt } from "./key-path.ts";
import type { Problem } from "./problems.ts";
import { parseSize } from "./units.ts";

export function compressionProblems(routes: Readonly<Record<string, unknown>>): Problem[] {
  const compressed = Object.keys(routes).filter((path) => isTable(valueAt(routes, [path, "compression"])));
  const endless = Object.keys(routes).find((path) => isEndless(valueAt(routes, [path, "maxMessage"])));
  return [
    ...compressed.flatMap((path) => sharedProblems(path, valueAt(routes, [path, "compression", "shared"]))),
    ...(endless === undefined ? [] : compressed.map((path) => bombProblem(path, endless))),
  ];
}

function sharedProblems(path: string, received: unknown): Problem[] {
  if (received !== false) return [];
  const text = "must be true: a compressor for each connection takes 200 KiB and keeps what was said before";
  return [{ path: ["routes", path, "compression", "shared"], text, received, hint: " Remove shared." }];
}

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
