/**
 * An unknown value becomes a Config, or the list of everything that is wrong with it. No step throws, whatever the value.
 * Order: what no option could be (too deep, `__proto__`), then keys and types (the schema), then combinations (checks.ts).
 */
import type { z } from "zod";
import { FairleadError } from "../errors.ts";
import { combinationProblems } from "./checks.ts";
import { expectedText, wordsOf } from "./expected.ts";
import type { KeyPath } from "./key-path.ts";
import { formatPath, isTable, valueAt } from "./key-path.ts";
import { didYouMean, nearest } from "./nearest.ts";
import type { Problem } from "./problems.ts";
import { problemText } from "./problems.ts";
import type { Config } from "./schema.ts";
import { configSchema } from "./schema.ts";
import { keysOf, metaOf, schemasAt } from "./schema-tree.ts";
import { MAX_NESTING } from "./source-map.ts";

export type Validated = { readonly config: Config } | { readonly problems: readonly Problem[] };

export function validate(input: unknown): Validated {
  const tooDeep = findTooDeep(input, []);
  if (tooDeep !== undefined) {
    return { problems: [{ path: tooDeep.slice(0, 3), text: `is nested deeper than ${MAX_NESTING} levels` }] };
  }
  const result = configSchema.safeParse(input);
  const problems = [
    ...hiddenKeys(input),
    ...(result.success ? [] : result.error.issues.flatMap((issue) => fromIssue(issue, input))),
    ...combinationProblems(input),
  ];
  return result.success && problems.length === 0 ? { config: result.data } : { problems };
}

/** @throws FairleadError CONFIG_INVALID that lists every problem, one a line */
export function parseConfig(input: unknown): Config {
  const result = validate(input);
  if ("config" in result) return result.config;
  const lines = result.problems.map((problem) => `  ${formatPath(problem.path)}: ${problemText(problem)}`);
  throw new FairleadError("CONFIG_INVALID", ["the config is not valid:", ...lines].join("\n"));
}

function fromIssue(issue: z.core.$ZodIssue, input: unknown): Problem[] {
  const path = issue.path.filter((key) => typeof key !== "symbol");
  const schemas = schemasAt(configSchema, path, input);
  const received = valueAt(input, path);
  if (issue.code === "unrecognized_keys") {
    const known = keysOf(schemas, received);
    return issue.keys.map((key) => unknownKey([...path, key], known, input));
  }
  const inside = issue.code === "invalid_union" ? insideOf(issue, received) : [];
  if (inside.length > 0) return inside.flatMap((one) => fromIssue(one, input));
  const expected = `expected ${expectedText(schemas)}`;
  if (received === undefined) {
    const reason = metaOf(schemas)?.reason;
    return [{ path, text: `is missing; ${expected}${reason === undefined ? "" : ` (${reason})`}` }];
  }
  const hint = typeof received === "string" ? didYouMean(received, wordsOf(schemas)) : "";
  return [{ path, text: expected, received, ...(hint === "" ? {} : { hint }), ...secrecy(path, input) }];
}

/** Where a table or a list was meant, what is wrong in it says more than that the whole fits nothing. */
function insideOf(union: z.core.$ZodIssueInvalidUnion, received: unknown): z.core.$ZodIssue[] {
  if (!isTable(received) && !Array.isArray(received)) return [];
  const ofTables = union.errors.filter((issues) =>
    issues.every(({ path, code }) => path.length > 0 || code === "unrecognized_keys"),
  );
  // Of two tables the one that fits better was meant.
  const [ofTable = []] = ofTables.toSorted((a, b) => a.length - b.length);
  return ofTable.map((issue) => ({ ...issue, path: [...union.path, ...issue.path] }));
}

function unknownKey(path: KeyPath, known: readonly string[], input: unknown): Problem {
  const key = String(path.at(-1));
  const close = nearest(key, known);
  const hint = close === undefined ? ` Known here: ${known.join(", ")}.` : ` Did you mean ${close}?`;
  const meant = close === undefined ? path : [...path.slice(0, -1), close];
  return { path, text: "unknown key", received: valueAt(input, path), hint, ...secrecy(meant, input) };
}

/** An unknown key that sounds like a secret, or stands where keys and secrets do, is kept as one: nobody said that it may be shown. */
function secrecy(path: KeyPath, input: unknown): { secret?: true } {
  const schemas = schemasAt(configSchema, path, input);
  const marked = metaOf(schemas)?.secret === true;
  const isStray = path[0] === "auth" && (path.length === 1 || schemas.length === 0);
  return marked || isStray || /secret|passw|token|credential|apikey|private/i.test(String(path.at(-1)))
    ? { secret: true }
    : {};
}

/** zod passes over an own `__proto__` in a record; here it is an unknown key like any other. */
function hiddenKeys(input: unknown): Problem[] {
  const routes = valueAt(input, ["routes"]);
  if (!isTable(routes) || !Object.hasOwn(routes, "__proto__")) return [];
  return [{ path: ["routes", "__proto__"], text: "is not a route; a route's path starts with /" }];
}

/** The path of the first value below the bound, found before anything walks the rest; a cycle counts as endless. */
function findTooDeep(value: unknown, path: KeyPath): KeyPath | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (path.length >= MAX_NESTING) return path;
  const isList = Array.isArray(value);
  for (const [key, inner] of Object.entries(value)) {
    const found = findTooDeep(inner, [...path, isList ? Number(key) : key]);
    if (found !== undefined) return found;
  }
  return undefined;
}
