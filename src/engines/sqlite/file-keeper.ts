/**
 * Keeps the engine's file open, and comes back when it fails: a disk that is full or read-only is tried every RETRY_MS, a damaged
 * file is moved aside and a new one begun. Between a failure and the next success nothing is written; what can be read is read.
 */
import type { Clock, Timer } from "../../clock.ts";
import { FairleadError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { isDamage, type OpenFile, openFile, type Sync } from "./open-file.ts";

const RETRY_MS = 1_000;
/** A full disk often has room for a few bytes, so the trial asks for as much as a busy moment needs. */
const TRIAL_BYTES = 256 * 1024;

export interface FileKeeperDeps {
  readonly file: string;
  readonly sync: Sync;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  /** Instead of `openFile`. */
  readonly openFile?: typeof openFile | undefined;
  /** Inside a transaction, each time the file can be written again, also the first time. May throw. */
  readonly onOpen: (file: OpenFile) => void;
}

export interface FileKeeper {
  /** @throws FairleadError ENGINE_DOWN for what its owner can mend. A disk that fails is tried again later. */
  start(): void;
  /** What can be read; undefined: nothing. */
  readonly opened: OpenFile | undefined;
  /** Why nothing can be written; undefined: it can. */
  readonly problem: string | undefined;
  /** Does `run` in one transaction; false: nothing of it happened. */
  write(run: () => void): boolean;
  /** A read threw. */
  fail(error: unknown): void;
  close(): void;
}

export function createFileKeeper(deps: FileKeeperDeps): FileKeeper {
  const { file, sync, clock, log, onOpen } = deps;
  const openIt = deps.openFile ?? openFile;
  let opened: OpenFile | undefined;
  let problem: string | undefined = "the engine has not been started";
  let damage: string | undefined;
  let timer: Timer | undefined;

  const open = () => {
    opened?.abandon();
    opened = undefined;
    const fresh = openIt({ file, sync, wall: clock.wall, log, damage });
    damage = undefined;
    opened = fresh;
    fresh.store.transaction(() => onOpen(fresh));
  };

  const tryAgain = () => {
    timer = undefined;
    try {
      if (opened === undefined || damage !== undefined) open();
      else tryToWrite(opened);
      problem = undefined;
      log.info({ file }, "the engine takes messages again");
    } catch (error) {
      fail(error);
    }
  };

  const tryToWrite = (file: OpenFile) => {
    file.store.setMeta("trial", "x".repeat(TRIAL_BYTES));
    file.store.setMeta("trial", "");
    file.store.transaction(() => onOpen(file));
  };

  const fail = (error: unknown) => {
    const reason = reasonOf(error);
    if (problem === undefined) log.error({ file, reason, err: error }, "! the engine cannot write");
    // Clients may be shown it, so it does not say where the file lies.
    problem = `the engine cannot write: ${reason}; it is tried again every ${RETRY_MS} ms`;
    if (isDamage(error)) damage = reason;
    timer ??= clock.after(RETRY_MS, tryAgain);
  };

  return {
    start() {
      if (opened !== undefined) return;
      try {
        open();
        problem = undefined;
      } catch (error) {
        if (error instanceof FairleadError) throw error;
        problem = undefined;
        fail(error);
      }
    },
    write(run) {
      if (opened === undefined || problem !== undefined) return false;
      try {
        opened.store.transaction(run);
        return true;
      } catch (error) {
        fail(error);
        return false;
      }
    },
    get opened() {
      return opened;
    },
    get problem() {
      return problem;
    },
    fail,
    close() {
      timer?.cancel();
      try {
        opened?.close();
      } catch (error) {
        log.error({ file, reason: reasonOf(error), err: error }, "! the engine could not close its file");
        opened?.abandon();
      }
      opened = undefined;
    },
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error ? `${error.message} (${error.code})` : error.message;
}
