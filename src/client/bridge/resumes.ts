/**
 * When a lost stream is asked for again: not before there is one, not after a code that says it would be in vain, and no longer than its owner's
 * patience lasts.
 */
import type { Delays } from "../backoff.ts";
import { nextStep } from "../next-step.ts";
import { planRetries, type Retries } from "../retries.ts";
import type { Clock } from "../timing.ts";
import type { Moves } from "./moves.ts";

/** A gateway keeps a stream for 60 s from when it notices the loss, at the latest 15 s after this side did. */
const PATIENCE_MS = 75_000;
/** A stream is held for a minute: waits of 20 s would waste it. */
const MAX_DELAY_MS = 5_000;

export interface ResumeOptions extends Delays {
  /** ms after a loss in which attempts begin; 0: none does. @default 75,000 */
  readonly patience?: number | undefined;
  readonly clock: Clock;
  /** A fresh token may help. */
  readonly renewable: boolean;
  readonly moves: Moves;
}

export interface Resumes extends Retries {
  /** A connection carries the stream. */
  carried(): void;
}

/** After these nobody knows the stream any more, or will not give it back. */
export function isFinal(code: number): boolean {
  return code === 1000 || code === 1014 || code === 3003 || (code >= 4500 && code < 5_000);
}

/** Its `good` says that the stream has moved, or rested in peace. */
export function planResumes({
  patience = PATIENCE_MS,
  clock,
  renewable,
  moves,
  ...delays
}: ResumeOptions): Resumes {
  const retries = planRetries(renewable, { ...delays, maxDelay: delays.maxDelay ?? MAX_DELAY_MS });
  let hasBegun = false;
  let isCarried = false;
  let lostAt: number | undefined;
  return {
    ...retries,
    carried() {
      hasBegun = isCarried = true;
      moves.carried();
    },
    good() {
      lostAt = undefined;
      retries.good();
    },
    after(ending, uptime) {
      // Patience begins anew with each connection that carried it, unless the server complains: it would complain for ever.
      if (isCarried && nextStep(ending.code) !== "stop") lostAt = undefined;
      isCarried = false;
      lostAt ??= clock.now();
      const isTokenBad = ending.code === 3000;
      const isOver = isFinal(ending.code) || !hasBegun || clock.now() - lostAt >= patience;
      const hasMoved = moves.follow(ending);
      if (isOver && !isTokenBad) return undefined;
      if (hasMoved) return 0;
      // Codes that end a session do not end a stream.
      return retries.after({ ...ending, code: isTokenBad ? 3000 : 1006 }, uptime);
    },
  };
}
