/** The outcome of some work, or what came first: the end of its time, or of the client that it is for. Leaves neither timer nor listener. */
import type { Clock } from "../clock.ts";

export interface Bounds {
  /** Milliseconds; 0 = however long. */
  readonly timeout: number;
  readonly clock: Clock;
  /** Of the client's request. */
  readonly signal: AbortSignal;
}

export type Outcome<T> =
  | { readonly value: T }
  | { readonly error: unknown }
  | { readonly cut: "timeout" | "aborted"; readonly detail: string };

/** Never rejects. `onLate` gets what the work brings when nobody waits for it any more. */
export function within<T>(
  work: Promise<T>,
  { timeout, clock, signal }: Bounds,
  onLate: (value: T) => void = () => {},
): Promise<Outcome<T>> {
  return new Promise((resolve) => {
    let isSettled = false;
    const settle = (outcome: Outcome<T>) => {
      isSettled = true;
      timer?.cancel();
      signal.removeEventListener("abort", onAbort);
      resolve(outcome);
    };
    const onAbort = () => settle({ cut: "aborted", detail: "the client went away" });
    const onTimeout = () => settle({ cut: "timeout", detail: `no answer in ${timeout} ms` });
    const timer = timeout > 0 ? clock.after(timeout, onTimeout) : undefined;
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    work.then(
      (value) => (isSettled ? onLate(value) : settle({ value })),
      (error: unknown) => settle({ error }),
    );
  });
}
