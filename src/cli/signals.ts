/**
 * SIGTERM and SIGINT. The first stops the gateway in order, a second ends at once. A terminal's Ctrl-C reaches launcher and
 * server, and the launcher passes it on, so equal signals within 500 ms are one.
 */
import type { Clock } from "../clock.ts";

type StopSignal = "SIGTERM" | "SIGINT";

/** The part of `process` that is needed here. */
export interface Signals {
  on(signal: StopSignal, handler: () => void): unknown;
  off(signal: StopSignal, handler: () => void): unknown;
}

const ECHO_MS = 500;

/** What a shell reports for a program that such a signal ended: 128 + its number. */
export const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Resolves with the exit code: 0 once `stop` is done, 143 or 130 on the second signal. Rejects when `stop` does.
 * `onStopping` hears the first signal, to tell people that Ctrl-C was understood. `over` stops it like a first signal.
 */
export function untilStopped(
  signals: Signals,
  clock: Clock,
  stop: () => Promise<void>,
  onStopping: () => void,
  over?: Promise<void>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let isStopping = false;
    let last: { readonly signal: StopSignal; readonly at: number } | undefined;
    const end = (settle: () => void) => {
      signals.off("SIGTERM", onTerminate);
      signals.off("SIGINT", onInterrupt);
      settle();
    };
    const receive = (signal: StopSignal) => {
      const at = clock.now();
      if (last?.signal === signal && at - last.at < ECHO_MS) return;
      last = { signal, at };
      // The handlers stay: the launcher's echo of this signal must not end the process before it has said its code.
      if (isStopping) return resolve(EXIT_CODES[signal]);
      onStopping();
      begin();
    };
    const begin = () => {
      if (isStopping) return;
      isStopping = true;
      stop().then(
        () => end(() => resolve(0)),
        (error: unknown) => end(() => reject(error)),
      );
    };
    const onTerminate = () => receive("SIGTERM");
    const onInterrupt = () => receive("SIGINT");
    signals.on("SIGTERM", onTerminate);
    signals.on("SIGINT", onInterrupt);
    over?.then(begin, reject);
  });
}
