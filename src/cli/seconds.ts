/** Times of flags that other programs have too: seconds, as people write them there. */
import { showValue } from "../config/key-path.ts";
import { parseDuration } from "../config/units.ts";
import { usage } from "./arguments.ts";

/** Milliseconds of `2`, `0.5` (seconds) or `500ms`. @throws FairleadError USAGE */
export function parseSeconds(flag: string, text: string): number {
  const ms = parseDuration(/^[\d.]+$/.test(text) ? `${text}s` : text);
  if (ms !== undefined) return ms;
  throw usage(`--${flag} needs seconds like 2 or 0.5, or a duration like 500ms, got ${showValue(text)}`);
}
