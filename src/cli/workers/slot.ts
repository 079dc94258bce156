/**
 * One worker's place: its process, and the next one when that has ended. The pause before the next doubles with each that did not live for
 * STEADY_MS, up to MOST_MS, half of it by chance; it never gives up, and says each time what happened.
 * Failure: the first process that cannot start, or ends by itself before it listens, is told to whoever waits for it, and has no successor.
 */
import { backoff } from "../../client/backoff.ts";
import type { Clock, Timer } from "../../clock.ts";
import { FairleadError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Address, FromWorker, ToWorker } from "./messages.ts";
import type { End, WorkerEvents, WorkerProcess } from "./worker-process.ts";

export interface SlotOptions {
  /** From 1. */
  readonly worker: number;
  readonly begin: ToWorker;
  start(events: WorkerEvents): WorkerProcess;
  onMessage(message: FromWorker): void;
  /** Its process has ended, whatever comes next. */
  onEnd(): void;
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
}

export interface Slot {
  /** The first process listens. Rejects with the FairleadError of one that could not. */
  readonly ready: Promise<Address>;
  readonly isListening: boolean;
  /** Undefined: between two processes. */
  readonly pid: number | undefined;
  /** Processes that ended though nobody had told them to. */
  readonly ended: number;
  send(message: ToWorker): void;
  /** Resolves with how its process ended once it drained, or was killed after `within` ms; undefined: there was none. Nobody takes its place. */
  stop(within: number): Promise<End | undefined>;
  kill(): void;
}

/** Bounds of the pause: the first is over in half a second, and a machine that lacks something is not kept busy with starts. */
const LEAST_MS = 500;
const MOST_MS = 30_000;
/** Whoever lived for so long has not ended by its start. */
const STEADY_MS = 60_000;
/** So many in a row are no accident any more. */
const MANY = 5;

export function createSlot(options: SlotOptions): Slot {
  const { worker, clock, log, random } = options;
  const ready = Promise.withResolvers<Address>();
  const gone = Promise.withResolvers<End>();
  let running: WorkerProcess | undefined;
  let next: Timer | undefined;
  let isListening = false;
  let hasListened = false;
  let isStopping = false;
  let failures = 0;
  let ended = 0;

  function start(): void {
    const startedAt = clock.now();
    let failed: FairleadError | undefined;
    const process = options.start({
      onMessage(message) {
        if (message.t === "failed") failed = new FairleadError(message.code, message.text);
        else if (message.t === "listening") listening(message.address);
        else options.onMessage(message);
      },
      onEnd(end) {
        running = undefined;
        isListening = false;
        options.onEnd();
        if (isStopping) return gone.resolve(end);
        if (!hasListened && typeof end === "number") return ready.reject(failed ?? endedEarly(worker, end));
        ended += 1;
        const lived = Math.round(clock.now() - startedAt);
        if (lived >= STEADY_MS) failures = 0;
        startLater({ pid: process.pid, end, lived, reason: failed?.message });
      },
    });
    running = process;
    process.send(options.begin);
  }

  function listening(address: Address): void {
    isListening = true;
    if (hasListened) log.info({ worker, pid: running?.pid }, "a worker listens again");
    hasListened = true;
    ready.resolve(address);
  }

  function startLater(what: {
    readonly pid: number;
    readonly end: End;
    readonly lived: number;
    reason: string | undefined;
  }): void {
    // Half of it at least: chance alone could be next to nothing, many times in a row.
    const half = { minDelay: LEAST_MS / 2, maxDelay: MOST_MS / 2 };
    const pause = Math.round(backoff(failures, half, () => 1) + backoff(failures, half, random));
    failures += 1;
    const { reason, ...fields } = what;
    const line = { worker, ...fields, ...(reason === undefined ? {} : { reason }), pause };
    if (failures < MANY) log.warn(line, "! a worker ended; another one starts after the pause (ms)");
    else
      log.error(
        { ...line, failures },
        "! a worker ends again and again; another one starts after the pause (ms)",
      );
    next = clock.after(pause, start);
  }

  start();
  return {
    ready: ready.promise,
    get isListening() {
      return isListening;
    },
    get pid() {
      return running?.pid;
    },
    get ended() {
      return ended;
    },
    send: (message) => running?.send(message),
    async stop(within) {
      isStopping = true;
      next?.cancel();
      if (running === undefined) return undefined;
      running.send({ t: "stop" });
      const late = clock.after(within, () => {
        log.error(
          { worker, pid: running?.pid, within },
          "! a worker did not end in time (ms), and is killed",
        );
        running?.kill();
      });
      return gone.promise.finally(() => late.cancel());
    },
    kill() {
      isStopping = true;
      next?.cancel();
      running?.kill();
    },
  };
}

function endedEarly(worker: number, end: number): FairleadError {
  return new FairleadError(
    "LISTEN_FAILED",
    `worker ${worker} ended with exit code ${end} before it listened`,
  );
}
