/**
 * What clients of rooms and feeds may do, one function a verb. Each asks with the very name that is used afterwards, and before anything
 * is looked up: the answer for a topic that exists and for one that does not is the same.
 */
import { lacks } from "../access.ts";
import type { May } from "../identity.ts";
import { refusal } from "../refusals.ts";
import type { Refusal } from "../route.ts";
import type { Position } from "../wire/v1.ts";

/** What somebody wants of a topic, or of all that a pattern matches. */
export interface Wanted {
  readonly topic: string;
  /** To hear who comes and goes. */
  readonly presence?: boolean;
  /** So many old messages. */
  readonly last?: number | undefined;
}

/** No topic has been there: whoever comes from it has lost what it had. */
export const NOWHERE: Position = { epoch: "-", offset: 0 };

/** Why this may not be read. */
export function readLacks(may: May, { topic, presence, last = 0 }: Wanted): string | undefined {
  return (
    lacks(may, "subscribe", topic) ??
    (presence ? lacks(may, "presence", topic) : undefined) ??
    (last > 0 ? lacks(may, "history", topic) : undefined)
  );
}

/**
 * Where a reader goes on. Without a right to the history nothing can be recovered: it is told so, not refused, because a client that comes
 * back says where it was without having asked for anything old.
 */
export function sinceFor<T>(may: May, topic: string, since: T | undefined): T | Position | undefined {
  return since === undefined || may("history", topic) ? since : NOWHERE;
}

/** As a request is answered, in the same words as a command. */
export function forbiddenRefusal(problem: string | undefined): Refusal | undefined {
  return problem === undefined ? undefined : { ...refusal("forbidden"), text: `${problem}.` };
}
