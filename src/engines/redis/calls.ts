/** Calls that wait for an answer of one server. Whatever becomes of the library's promise, nobody waits longer than it is told to. */
import type { Clock } from "../../clock.ts";

export interface Calls {
  /** Milliseconds that the oldest one has waited; undefined: nothing waits. */
  readonly oldest: number | undefined;
  within<T>(answer: Promise<T>): Promise<T>;
  /** All that wait are refused. Their answers, should they still come, change nothing. */
  refuse(error: Error): void;
}

interface Call {
  readonly since: number;
  readonly refuse: (error: Error) => void;
}

export function createCalls(clock: Clock): Calls {
  const waiting = new Set<Call>();
  return {
    get oldest() {
      for (const { since } of waiting) return clock.now() - since;
      return undefined;
    },
    within: (answer) =>
      new Promise((resolve, refuse) => {
        const call: Call = { since: clock.now(), refuse };
        waiting.add(call);
        answer.then(
          (value) => {
            waiting.delete(call);
            resolve(value);
          },
          (error: unknown) => {
            waiting.delete(call);
            refuse(error);
          },
        );
      }),
    refuse(error) {
      for (const call of waiting) call.refuse(error);
      waiting.clear();
    },
  };
}
