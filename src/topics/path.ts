/**
 * The topic that a URL names, and where in it a reader wants to begin, for rooms and feeds. What is wrong is refused before the 101,
 * so that nothing behind it has to look again.
 */

import type { Params } from "../reception/router.ts";
import { refusal } from "../refusals.ts";
import type { Refusal } from "../route.ts";
import { MAX_LIMIT } from "../wire/commands.ts";
import { parsePosition } from "../wire/position.ts";
import { topicProblem } from "../wire/topic.ts";
import type { From } from "./replay.ts";
import { NOWHERE } from "./rights.ts";

/** The path's one parameter; `only` on a route without one. */
export function topicOf(params: Params, only: string): string {
  return Object.values(params)[0] ?? only;
}

export function topicRefusal(topic: string): Refusal | undefined {
  const problem = topicProblem(topic);
  return problem === undefined ? undefined : refusal("bad_topic", problem);
}

/** A count in a URL: a whole number up to MAX_LIMIT; undefined: it is none. */
export function countOf(text: string): number | undefined {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return count <= MAX_LIMIT ? count : undefined;
}

/**
 * `?since=EPOCH:OFFSET` and `?last=N`; `lastEventId` comes before `since`. A string says what is wrong.
 * A browser sends the last id it saw, whoever gave it, and gives up for good when that is refused: so an id that is no position is one
 * that cannot be served.
 */
export function fromOf(query: URLSearchParams, lastEventId: string | null): From | string {
  const [since, last] = [query.get("since"), query.get("last")];
  const asked = since === null ? undefined : parsePosition(since);
  if (since !== null && asked === undefined) return "since must be a position like EPOCH:OFFSET";
  const position = lastEventId === null ? asked : (parsePosition(lastEventId) ?? NOWHERE);
  const count = last === null ? undefined : countOf(last);
  if (last !== null && count === undefined) return `last must be a whole number from 0 to ${MAX_LIMIT}`;
  return { since: position, last: count };
}
