/**
 * `FAIRLEAD_SECTION__KEY` sets an option, `..._FILE` reads it from a file (secrets). Case and `_` within a segment do not
 * count: MAX_MESSAGE is maxMessage. A route is named by the letters and digits of its path: /room/:name is ROOM_NAME.
 * A variable of our prefix that sets nothing is an error: a typo must not be a silent default.
 */

import { readFileSync, statSync } from "node:fs";
import { codeOf } from "../errors.ts";
import { coerce } from "./coerce.ts";
import type { KeyPath } from "./key-path.ts";
import { isTable, valueAt } from "./key-path.ts";
import type { Setting } from "./layers.ts";
import { didYouMean } from "./nearest.ts";
import type { Origin } from "./origin.ts";
import type { Located, Problem } from "./problems.ts";
import { configSchema } from "./schema.ts";
import { keysOf, optionPaths, schemasAt } from "./schema-tree.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = "FAIRLEAD_";
/** The launcher's and the tests' own. */
const FOREIGN = new Set(["FAIRLEAD_BUN", "FAIRLEAD_REQUIRE"]);
const MAX_SECRET_FILE = 65_536;

/** `below`: the config so far, which says what routes there are. */
export function readEnvironment(
  env: Environment,
  below: unknown,
): { settings: Setting[]; problems: Located[] } {
  const settings: Setting[] = [];
  const problems: Located[] = [];
  const names = Object.keys(env).filter((name) => name.startsWith(PREFIX) && !FOREIGN.has(name));
  for (const name of names.sort()) {
    const found = readVariable(name, env[name] ?? "", below);
    if ("text" in found) problems.push({ origin: { from: "env", name }, problem: found });
    else settings.push(found);
  }
  return { settings, problems: [...problems, ...doubles(settings)] };
}

/** The variable that sets a path: routes["/feed/:topic"].maxMessage is FAIRLEAD_ROUTES__FEED_TOPIC__MAX_MESSAGE. */
export function variableOf(path: KeyPath): string {
  const words = (key: string | number) =>
    String(key)
      .replace(/([a-z])([A-Z])/g, "$1_$2")
      .replace(/[^A-Za-z0-9]+/g, "_")
      .replace(/^_|_$/g, "")
      .toUpperCase();
  return PREFIX + path.map(words).join("__");
}

/** The value stays out of what is said: a variable that is not understood may hold a secret. */
function readVariable(name: string, value: string, below: unknown): Setting | Problem {
  const path = findPath(name, below);
  if (path !== undefined) return settingOf(path, name, value, below, false);
  const secretPath = name.endsWith("_FILE") ? findPath(name.slice(0, -"_FILE".length), below) : undefined;
  if (secretPath === undefined) {
    const hint = didYouMean(name, optionPaths(configSchema, below).map(variableOf));
    return { path: [], text: "sets no option", hint };
  }
  const found = readSecret(value);
  return "content" in found
    ? settingOf(secretPath, name, found.content, below, true)
    : { path: [], ...found };
}

function settingOf(
  path: KeyPath,
  name: string,
  text: string,
  below: unknown,
  secret: boolean,
): Setting | Problem {
  const option = optionPaths(configSchema, below).find((known) =>
    path.every((key, index) => known[index] === key),
  );
  if (option !== undefined && option.length > path.length) {
    return { path: [], text: `names a section; set an option in it, like ${variableOf(option)}` };
  }
  const origin: Origin = { from: "env", name, ...(secret ? { secret } : {}) };
  return { path, value: coerce(text, schemasAt(configSchema, path, below)), origin };
}

function findPath(name: string, below: unknown): KeyPath | undefined {
  let path: KeyPath = [];
  for (const segment of name.slice(PREFIX.length).split("__")) {
    const value = valueAt(below, path);
    const schemas = schemasAt(configSchema, path, below);
    const named = keysOf(schemas, value);
    const keys = named.length === 0 && path[0] === "routes" && isTable(value) ? Object.keys(value) : named;
    const found = keys.filter((key) => plain(key) === plain(segment));
    if (found.length !== 1 || found[0] === undefined) return undefined;
    path = [...path, found[0]];
  }
  return path;
}

function plain(key: string): string {
  return key.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

function readSecret(file: string): { content: string } | { text: string; hint: string } {
  try {
    const stats = statSync(file);
    if (!stats.isFile())
      return { text: "names something that is not a file", hint: " Give the path of a text file." };
    if (stats.size > MAX_SECRET_FILE)
      return { text: `names a file over ${MAX_SECRET_FILE} bytes`, hint: " Is it the right one?" };
    return { content: readFileSync(file, "utf8").replace(/\r?\n$/, "") };
  } catch (error) {
    const code = codeOf(error);
    return { text: `names a file that cannot be read (${code})`, hint: " Check the path and its rights." };
  }
}

/** Two variables for one option (the value and its _FILE, or two spellings): nobody knows which one counts. */
function doubles(settings: readonly Setting[]): Located[] {
  const seen = new Map<string, string>();
  return settings.flatMap(({ path, origin }) => {
    const key = JSON.stringify(path);
    const first = seen.get(key);
    seen.set(key, first ?? origin.name);
    return first === undefined
      ? []
      : [{ origin, problem: { path: [], text: `sets the same option as ${first}; keep one of the two` } }];
  });
}
