/**
 * The topic that a path names, for routes whose parameter is one: rooms and feeds. A name is refused before the 101, so that
 * nothing behind it has to look again.
 */
import { refusal } from "./refusals.ts";
import type { Refusal } from "./route.ts";
import type { Params } from "./router.ts";
import { topicProblem } from "./wire/topic.ts";

/** The path's one parameter; `only` on a route without one. */
export function topicOf(params: Params, only: string): string {
  return Object.values(params)[0] ?? only;
}

export function topicRefusal(topic: string): Refusal | undefined {
  const problem = topicProblem(topic);
  return problem === undefined ? undefined : refusal("bad_topic", problem);
}
