/** Contract: one verb of the command line. Implementations live in `commands/`, one file a verb. */
import type { Setting } from "../config/layers.ts";
import type { Flag } from "./flags.ts";

export interface Arguments {
  readonly operands: readonly string[];
  /** What the flags set in the config, in the order they were written; of two for one option the later counts. */
  readonly settings: readonly Setting[];
  /** Last text of each flag that was given; the empty text for one without a value. */
  readonly given: ReadonlyMap<string, string>;
  /** Every text of each flag that was given, in the order they were written. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
}

export interface Command {
  readonly name: string;
  /** One line for the list of verbs. */
  readonly summary: string;
  /** What follows the verb: `[listen] [target]`. */
  readonly operands: string;
  readonly maxOperands: number;
  /** Paragraphs of the help, after the summary. */
  readonly notes: readonly string[];
  readonly flags: readonly Flag[];
  /** Whole commands with a remark: `["fairlead echo :9000", "on another port"]`. */
  readonly examples: readonly (readonly [command: string, remark: string])[];
  /** Runs to the end and returns the exit code. Throws FairleadError for what the user can mend. */
  run(args: Arguments): Promise<number>;
}
