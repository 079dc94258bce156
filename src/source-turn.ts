/**
 * A source that one node of several runs, so that nothing is published twice: whoever has the claim. The others ask for it every ASK_MS, so
 * when that node has stopped another one goes on within ASK_MS; when it died, within two leases and that.
 * Failure: a claim that is lost, or an engine that does not answer, ends the source here until the claim is given again; what it publishes
 * at that moment may be published at another node, too, if its data says so.
 */
import { type Clock, pause } from "./clock.ts";
import type { Cluster } from "./cluster.ts";
import type { Source, SourceMessage } from "./config/kinds/feed.ts";
import type { Claim, Claims } from "./engine.ts";
import type { Log } from "./log.ts";

export interface TurnOptions {
  readonly source: Source;
  readonly claims: Claims;
  readonly cluster: Pick<Cluster, "self">;
  readonly clock: Clock;
  readonly log: Pick<Log, "info">;
  /** The configured path: two routes never share a source. */
  readonly route: string;
}

const ASK_MS = 2_000;

/** Begins with its turn, and ends as the source does; without the claim it waits. */
export function inTurn({ source, claims, cluster, clock, log, route }: TurnOptions): Source {
  const holder = cluster.self;

  /** Undefined: somebody else has it, or the engine does not answer. */
  function ask(lost: AbortController): Promise<Claim | undefined> {
    const onLost = () => lost.abort();
    return new Promise((resolve) => {
      claims.claim(`${route}\0source`, { holder, lease: 0, takeOver: false, onLost }, (result) =>
        resolve("release" in result ? result : undefined),
      );
    });
  }

  return async function* (signal) {
    while (!signal.aborted) {
      const lost = new AbortController();
      const claim = await ask(lost);
      if (claim === undefined) {
        await pause(clock, ASK_MS, signal);
        continue;
      }
      try {
        log.info({ route }, "the source runs at this node");
        yield* until(lost.signal, source(AbortSignal.any([signal, lost.signal])));
      } finally {
        claim.release();
      }
      // It ended by itself, which is told and mended by whoever runs it.
      if (!lost.signal.aborted) return;
    }
  };
}

/** What a source says until the claim is lost; one that does not look at its signal then is left behind. */
async function* until(lost: AbortSignal, said: AsyncIterable<SourceMessage>): AsyncGenerator<SourceMessage> {
  const messages = said[Symbol.asyncIterator]();
  let stop = () => {};
  lost.addEventListener("abort", () => stop());
  try {
    while (!lost.aborted) {
      // A promise for each message: one for all would remember every message that it was raced with.
      const result = await new Promise<IteratorResult<SourceMessage> | undefined>((resolve, reject) => {
        stop = () => resolve(undefined);
        messages.next().then(resolve, reject);
      });
      if (result === undefined || result.done === true) return;
      yield result.value;
    }
  } finally {
    void letGo(messages);
  }
}

/** When it ends, and how, is nobody's matter any more. */
async function letGo(messages: AsyncIterator<SourceMessage>): Promise<void> {
  try {
    await messages.return?.();
  } catch {
    // It was told to end, and has.
  }
}
