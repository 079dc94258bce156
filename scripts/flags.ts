/** Flags of `npm run NAME -- ...`. What cannot be read ends the program with one line and 2, not with a stack. */
import { type ParseArgsConfig, parseArgs } from "node:util";

/** `use`: what follows `npm run NAME`. */
export function readFlags<T extends ParseArgsConfig>(
  name: string,
  use: string,
  config: T,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const [what = ""] = String(error instanceof Error ? error.message : error).split(". ");
    console.error(`${name}: ${what}; use: npm run ${name} ${use}`);
    process.exit(2);
  }
}
