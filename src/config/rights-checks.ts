/** Patterns of names in a table of rights that would allow nothing, or not what they seem to. */
import { namesProblem } from "../wire/name-pattern.ts";
import { isTable, type KeyPath } from "./key-path.ts";
import type { Problem } from "./problems.ts";

export function rightsProblems(path: KeyPath, rights: unknown): Problem[] {
  return Object.entries(isTable(rights) ? rights : {}).flatMap(([right, patterns]) =>
    (Array.isArray(patterns) ? patterns : []).flatMap((received: unknown, index) => {
      const fault = typeof received === "string" ? namesProblem(received) : undefined;
      if (fault === undefined) return [];
      const hint = " Like chat.*, a segment for a segment.";
      return [{ path: [...path, right, index], text: `no pattern: ${fault}`, received, hint }];
    }),
  );
}
