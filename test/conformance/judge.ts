/** From what was seen to a verdict. A drop without a close frame is not strict: RFC 6455 section 7.1.7 says that there SHOULD be one. */
import type { Outcome, Plan, Verdict } from "./case.ts";
import type { Seen } from "./play.ts";

export interface Judged {
  readonly verdict: Verdict;
  /** What came, in words, where it is not what was asked for. */
  readonly seen: string;
}

export function judge({ strict, nonStrict }: Pick<Plan, "strict" | "nonStrict">, seen: Seen): Judged {
  const words = seenText(seen);
  if (seen.isDeclined) return { verdict: "UNIMPLEMENTED", seen: words };
  if (seen.trouble !== undefined) return { verdict: "FAILED", seen: words };
  if (fits(strict, seen)) return { verdict: "OK", seen: words };
  const isDrop = seen.code === undefined && !strict.ends.includes(1000) && isSame(strict.back, seen.back);
  if (isDrop || (nonStrict !== undefined && fits(nonStrict, seen)))
    return { verdict: "NON-STRICT", seen: words };
  return { verdict: "FAILED", seen: words };
}

function fits({ back, ends }: Outcome, seen: Seen): boolean {
  const isEnded = seen.code === undefined ? ends.length === 0 : ends.includes(seen.code);
  return isEnded && isSame(back, seen.back);
}

const isSame = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every((word, index) => word === other[index]);

const MOST_SHOWN = 5;

function seenText({ back, code, isDeclined, extensions, trouble }: Seen): string {
  if (isDeclined) return `the offer was answered by ${extensions ?? "no extension"}`;
  const shown = back.slice(0, MOST_SHOWN);
  const more = back.length > shown.length ? [`${back.length - shown.length} more`] : [];
  return [...shown, ...more, code === undefined ? "no close frame" : `close ${code}`, trouble ?? ""]
    .filter((word) => word !== "")
    .join(", ");
}
