/**
 * Keeps a source publishing: an async iterable that runs until its signal aborts. One that throws or ends by itself is started again
 * after a pause that doubles from 1 s to 1 min; the log has the reason. One that does not look at its signal is left behind on stop.
 */
import { type Clock, pause, type Timer } from "./clock.ts";
import type { Source, SourceMessage } from "./config/kinds/feed.ts";
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
/** For a source to end once it was told to. */
const GRACE_MS = 1_000;

/** Starts it; the returned function stops it and resolves once it has let go, at the latest after GRACE_MS. */
export function runSource(options: SourceRunnerOptions): () => Promise<void> {
  const { clock, log, route } = options;
  const controller = new AbortController();
  const running = keepRunning(options, controller.signal);
  return async () => {
    controller.abort();
    let timer: Timer | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = clock.after(GRACE_MS, () => resolve("late"));
    });
    if ((await Promise.race([running, late])) === "late")
      log.warn({ route }, "! the source did not end when it was told to, and is left behind");
    timer?.cancel();
  };
}

async function keepRunning(options: SourceRunnerOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, route } = options;
  let rest = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    const published = await runOnce(options, signal);
    if (signal.aborted) return;
    if (published > 0) rest = FIRST_PAUSE_MS;
    log.info({ route, pause: rest }, "the source is started again after a pause (ms)");
    await pause(clock, rest, signal);
    rest = Math.min(rest * 2, LONGEST_PAUSE_MS);
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
