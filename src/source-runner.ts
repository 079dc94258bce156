/**
 * Keeps a source publishing: an async iterable that runs until its signal aborts. One that throws or ends by itself is started again
 * after a pause that doubles from 1 s to 1 min; the log has the reason. One that never looks at its signal is left behind on stop.
 */
import type { Clock } from "./clock.ts";
import type { Source, SourceMessage } from "./config/schema.ts";
import type { Log } from "./log.ts";

export interface SourceRunnerOptions {
  readonly source: Source;
  /** MUST NOT throw for a bad message: a source goes on. */
  readonly publish: (message: SourceMessage) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly route: string;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** Starts it; the returned function stops it and resolves once it has let go, at the latest when it yields next. */
export function runSource(options: SourceRunnerOptions): () => Promise<void> {
  const controller = new AbortController();
  const stopped = new Promise<void>((resolve) =>
    controller.signal.addEventListener("abort", () => resolve()),
  );
  const running = keepRunning(options, controller.signal);
  return () => {
    controller.abort();
    return Promise.race([running, stopped]);
  };
}

async function keepRunning(options: SourceRunnerOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, route } = options;
  let pause = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    const published = await runOnce(options, signal);
    if (signal.aborted) return;
    pause = published > 0 ? FIRST_PAUSE_MS : Math.min(pause * 2, LONGEST_PAUSE_MS);
    log.info({ route, pause }, "the source is started again after a pause (ms)");
    await wait(clock, pause, signal);
  }
}

/** How many messages it published before it ended. */
async function runOnce(
  { source, publish, log, route }: SourceRunnerOptions,
  signal: AbortSignal,
): Promise<number> {
  let published = 0;
  try {
    for await (const message of source(signal)) {
      if (signal.aborted) break;
      publish(message);
      published += 1;
    }
  } catch (error) {
    if (!signal.aborted) log.error({ route, err: error }, "! the source threw");
  }
  return published;
}

function wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, resolve);
    signal.addEventListener("abort", () => {
      timer.cancel();
      resolve();
    });
  });
}
