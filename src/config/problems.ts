/** One thing wrong with a config, and how it is told: where, which key, what is wrong, what was there, what to write. */
import type { KeyPath } from "./key-path.ts";
import { formatPath, showValue } from "./key-path.ts";
import type { Origin } from "./origin.ts";
import { formatOrigin } from "./origin.ts";

export interface Problem {
  /** Empty: the file as a whole. */
  readonly path: KeyPath;
  readonly text: string;
  /** Shown where it is there, unless it is secret. */
  readonly received?: unknown;
  readonly secret?: boolean;
  /** A sentence after the text, with its leading space: `" Did you mean x?"`. */
  readonly hint?: string;
}

/** A problem and where its value was written. */
export interface Located {
  readonly origin: Origin;
  readonly problem: Problem;
}

/** `expected true or false, got "yes". Did you mean true?` */
export function problemText({ text, received, secret, hint }: Problem): string {
  const got = received === undefined ? "" : `, got ${secret === true ? "[redacted]" : showValue(received)}`;
  return `${text}${got}.${hint ?? ""}`;
}

/** `fairlead.yaml:7: routes["/echo"].welcom: unknown key, got "hi". Did you mean welcome?`, in order of line, once each. */
export function formatProblems(located: readonly Located[]): string[] {
  const rank = { file: 0, preset: 0, default: 1, env: 2, flag: 3 };
  const line = ({ from, line: at }: Origin) => (from === "file" ? (at ?? 0) : 0);
  const sorted = [...located].sort(
    (a, b) => rank[a.origin.from] - rank[b.origin.from] || line(a.origin) - line(b.origin),
  );
  return [...new Set(sorted.map(formatLocated))];
}

function formatLocated({ origin, problem }: Located): string {
  const key = origin.from === "flag" || problem.path.length === 0 ? "" : ` ${formatPath(problem.path)}:`;
  return `${formatOrigin(origin)}:${key} ${problemText(problem)}`;
}
