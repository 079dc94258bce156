/** `--cap '/feed/:topic subscribe a.* b.*'`: rights on a route as one writes them in a shell, and as one reads them. */

import { showValue } from "../../config/key-path.ts";
import { didYouMean } from "../../config/nearest.ts";
import type { Caps, Names, Rights } from "../../identity.ts";
import { RIGHTS, type Right } from "../../identity.ts";
import { namesProblem } from "../../wire/name-pattern.ts";
import { usage } from "../arguments.ts";

/** Undefined: none is given, so the rules of the route hold. @throws FairleadError USAGE */
export function readCaps(texts: readonly string[]): Caps | undefined {
  if (texts.length === 0) return undefined;
  const caps = new Map<string, Map<Right, Names>>();
  for (const text of texts) {
    const [route = "", right = "", ...patterns] = text.trim().split(/\s+/);
    checkRoute(text, route);
    checkPatterns(text, patterns);
    const rights = caps.get(route) ?? new Map<Right, Names>();
    rights.set(rightOf(text, right), joined(rights.get(rightOf(text, right)), patterns));
    caps.set(route, rights);
  }
  return Object.fromEntries(
    [...caps].map(([route, rights]) => [route, Object.fromEntries(rights) as Rights]),
  );
}

/** Rights on a route that there is not would be rights to nothing, in silence. @throws FairleadError USAGE */
export function checkRoutes(caps: Caps, routes: readonly string[]): void {
  for (const route of Object.keys(caps)) {
    if (route === "*" || routes.includes(route)) continue;
    const hint = didYouMean(route, routes) || ` It has ${routes.join(", ")}.`;
    throw usage(`--cap: ${showValue(route)} is no route of the config.${hint}`);
  }
}

/** A line for each right: `/feed/:topic subscribe a.* b.*`. */
export function capsLines(caps: Caps): string[] {
  return Object.entries(caps).flatMap(([route, rights]) => {
    const listed = RIGHTS.flatMap((right) => {
      const names = rights[right];
      return names === undefined ? [] : [`${route} ${right} ${namesText(names)}`];
    });
    return listed.length === 0 ? [`${route} (nothing)`] : listed;
  });
}

function namesText(names: Names): string {
  if (names === true) return "(every name)";
  return names.length === 0 ? "(no name)" : names.join(" ");
}

/** Said twice, both hold; without a pattern, every name. */
function joined(before: Names | undefined, patterns: readonly string[]): Names {
  if (patterns.length === 0 || before === true) return true;
  return [...(before ?? []), ...patterns];
}

function checkRoute(text: string, route: string): void {
  if (route === "*" || route.startsWith("/")) return;
  throw usage(
    `--cap ${showValue(text)} begins with no route; write it like '/feed/:topic subscribe a.*', or * for all routes`,
  );
}

function checkPatterns(text: string, patterns: readonly string[]): void {
  for (const pattern of patterns) {
    const problem = namesProblem(pattern);
    if (problem !== undefined)
      throw usage(`--cap ${showValue(text)}: ${showValue(pattern)} is no pattern: ${problem}`);
  }
}

function rightOf(text: string, word: string): Right {
  const right = RIGHTS.find((each) => each === word);
  if (right !== undefined) return right;
  const hint = didYouMean(word, RIGHTS);
  throw usage(`--cap ${showValue(text)}: ${showValue(word)} is none of ${RIGHTS.join(", ")}.${hint}`);
}
