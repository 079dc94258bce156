/** Where a value was written, for errors and `config print`. */
export interface Origin {
  /** `preset`: the demo, or a one-liner. */
  readonly from: "flag" | "env" | "file" | "preset" | "default";
  /** Name of the flag or variable, the file as it was given, or the preset. */
  readonly name: string;
  /** Counts from 1. Absent where the format has no lines. */
  readonly line?: number;
  /** The value came out of a file that a variable names, so it counts as secret. */
  readonly secret?: boolean;
}

export const DEFAULT: Origin = { from: "default", name: "default" };

export function formatOrigin({ from, name, line }: Origin): string {
  if (from === "env") return `env ${name}`;
  return line === undefined ? name : `${name}:${line}`;
}
