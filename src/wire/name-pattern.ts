/**
 * Which names a right is given for: segments between dots, where `*` is any one segment. Compared code unit by code unit: no regular
 * expression, no folding of case or of Unicode forms, so a name that merely looks alike is another name. Pure, linear, never throws.
 */
import { isLongerThan } from "./utf8.ts";

const MAX_BYTES = 255;

/**
 * Whether whatever `name` stands for lies within `pattern`. A `name` with `*` or `>`, as in subscriptions, is a set of names: `*` lies
 * within `*` only, `>` within nothing.
 */
export function covers(pattern: string, name: string): boolean {
  if (!pattern.includes("*")) return pattern === name;
  const [allowed, asked] = [pattern.split("."), name.split(".")];
  return (
    allowed.length === asked.length &&
    allowed.every((segment, at) => {
      const part = asked[at];
      return segment === "*" ? part !== ">" && part !== "" : segment === part && part !== "*";
    })
  );
}

/** Why a text cannot be a pattern; undefined: it can. */
export function namesProblem(pattern: string): string | undefined {
  if (pattern === "" || isLongerThan(pattern, MAX_BYTES)) return `expected 1 to ${MAX_BYTES} bytes`;
  for (const segment of pattern.split(".")) {
    if (segment === "") return "a segment between dots is empty";
    if (segment === ">")
      return "`>` is for subscriptions; list one pattern for each number of segments, or allow all with true";
    if (segment.includes("*") && segment !== "*")
      return "`*` stands for a whole segment, never for a part of one";
  }
  return undefined;
}
