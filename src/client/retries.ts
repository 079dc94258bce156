/** Whether another attempt follows a loss, and when: backoff, what the server asked for, and codes after which none would help. */
import { backoff, type Delays } from "./backoff.ts";
import { nextStep, retryHint } from "./next-step.ts";
import type { Ending } from "./web-socket-like.ts";

/** After so long a connection counts as good, and the next wait begins at the shortest again. */
const STABLE_MS = 10_000;
/** No hint keeps anybody away for longer, whatever it says. */
const MAX_HINT_MS = 300_000;

export interface Retries {
  /** ms until the next attempt, after a connection that was open for `uptime` ms; undefined: there is none. */
  after(ending: Ending, uptime: number): number | undefined;
  /** It works: the next wait begins at the shortest again. */
  good(): void;
  /** The next wait is at least so many ms. */
  hold(ms: number): void;
  /** The server asked for the present wait. */
  held(): boolean;
}

/** `renewable`: after 3000 one more attempt may help, because it asks for a token anew. */
export function planRetries(renewable: boolean, delays: Delays): Retries {
  let failures = 0;
  let renewed = false;
  let least = 0;
  let held = false;
  const good = () => {
    failures = 0;
    renewed = false;
  };
  return {
    good,
    hold: (ms) => {
      least = Math.max(0, ms) || 0; // a server may say anything
    },
    held: () => held,
    after({ code, reason }, uptime) {
      if (uptime >= STABLE_MS) good();
      const step = nextStep(code);
      if (step === "stop" || (step === "fresh" && (renewed || !renewable))) return undefined;
      renewed ||= step === "fresh";
      const asked = Math.min(MAX_HINT_MS, Math.max(least, retryHint(reason)));
      held = asked > 0;
      least = 0;
      return asked + backoff(failures++, delays);
    },
  };
}
