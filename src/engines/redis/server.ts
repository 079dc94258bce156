/**
 * The command connection to one Redis: runs scripts, each answered or refused within `timeout`.
 *
 * Failure: without a connection a call is refused at once. One that is not answered in time fails with all that wait, and the connection
 * is made anew; what they asked for may or may not have happened. A server that may evict our keys, or is too old, is not used.
 */
import type { Redis } from "ioredis";
import type { Clock, Timer } from "../../clock.ts";
import type { Log } from "../../log.ts";
import { createCalls } from "./calls.ts";
import { downError, unansweredError } from "./down.ts";
import { watchHalfMade } from "./half-made.ts";
import type { Script } from "./script.ts";
import {
  type About,
  askAbout,
  betterLead,
  type Lead,
  type Mode,
  problemOf,
  reasonOf,
} from "./server-about.ts";
import {
  type Arg,
  failureOf,
  isElsewhere,
  runScript,
  type Sender,
  type Texts,
  wireArgs,
} from "./server-call.ts";

export type { Arg };

export interface Server {
  /** Undefined: it takes calls. */
  readonly problem: string | undefined;
  /** Another one after each start of the server it leads to. Undefined: not known. */
  readonly runId: string | undefined;
  /** What its clock is ahead of ours, in ms, as it was when it could last be asked. Undefined: it never could. */
  readonly skew: number | undefined;
  run(script: Script, home: string, keys: readonly string[], args: readonly Arg[]): Promise<unknown>;
  /** The same, and texts in the answer are bytes. */
  runBinary(script: Script, home: string, keys: readonly string[], args: readonly Arg[]): Promise<unknown>;
  /** A command outside of scripts, for what reads many keys. */
  call(command: string, args: readonly Arg[]): Promise<unknown>;
  /** `client` connects by itself, and again. */
  start(client: Redis): void;
  close(): void;
}

export interface ServerOptions {
  /** For log lines, without secrets. */
  readonly name: string;
  readonly timeout: number;
  readonly mode: Mode;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn">;
  /** A fresh generation. */
  readonly fresh: () => string;
  /** It takes calls, or does not any more; or it is another server than before. */
  readonly onChange: () => void;
  /** It no longer has the keys that it was asked for (Redis Cluster). */
  readonly onMoved: () => void;
}

const LOOKS_PER_TIMEOUT = 4;
/** Refusals come in thousands; one line says it. */
const QUIET_MS = 60_000;
const NOT_YET = "it has not answered yet";
const NO_CONNECTION = "there is no connection";
const REFUSAL = "Redis cannot be reached; try again later";

export function createServer(options: ServerOptions): Server {
  const { timeout, clock } = options;
  const calls = createCalls(clock);
  const state = createState(options);
  let client: Redis | undefined;
  let about: About | undefined;
  let lead: Lead | undefined;
  let loaded = new Set<string>();
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;
  let watch: Timer | undefined;

  /** Each connection may lead to another server than the last one, and the one that it leads to may become another. */
  async function ask(present: Redis): Promise<void> {
    askedAt = clock.now();
    try {
      const told = await calls.within(askAbout(present, clock, options.mode));
      const isOther = about !== undefined && about.run !== told.run;
      about = told;
      lead = betterLead(isOther ? undefined : lead, told.lead);
      state.change(problemOf(told, options.mode));
      if (isOther) options.onChange();
      // Sentinel may know of another one by now.
      if (told.role !== "master" && options.mode === "sentinel") present.disconnect(true);
    } catch (error) {
      state.change(reasonOf(error) ?? NO_CONNECTION);
    }
  }

  function meet(present: Redis): Promise<void> {
    asking ??= ask(present).finally(() => {
      asking = undefined;
    });
    return asking;
  }

  function lost(): void {
    about = undefined;
    calls.refuse(unansweredError("the connection to Redis was lost"));
    state.lost();
  }

  function look(present: Redis, halfMade: () => number | undefined): void {
    const { oldest } = calls;
    if ((halfMade() ?? 0) >= timeout) present.disconnect(true);
    else if (oldest !== undefined && oldest >= timeout) {
      calls.refuse(unansweredError(`Redis did not answer within ${timeout} ms`));
      state.change(`it did not answer within ${timeout} ms`);
      about = undefined;
      present.disconnect(true);
    } else if (
      present.status === "ready" &&
      (state.problem !== undefined || clock.now() - askedAt >= timeout)
    ) {
      // A link that died without a word is noticed by this alone, and so is a master that was a replica meanwhile.
      void meet(present);
    }
  }

  async function evaluate(script: Script, keys: readonly string[], args: readonly Arg[], texts: Texts) {
    const present = client;
    if (present === undefined || about === undefined || state.problem !== undefined) throw downError(REFUSAL);
    const sender: Sender = { client: present, within: calls.within, loaded };
    const { run, keeps } = about;
    const known = { run, keeps, fresh: options.fresh, onOther: () => meet(present) };
    return runScript(sender, known, { script, keys, args, texts });
  }

  const guarded = <T>(answer: Promise<T>): Promise<T> =>
    answer.catch((error: unknown) => {
      if (isElsewhere(error)) options.onMoved();
      else if (error instanceof Error && error.name === "ReplyError") state.refused(error.message);
      throw failureOf(error);
    });

  return {
    get problem() {
      return state.problem;
    },
    get runId() {
      return about?.run;
    },
    get skew() {
      return lead?.ms;
    },
    run: (script, home, keys, args) => guarded(evaluate(script, [home, ...keys], args, "text")),
    runBinary: (script, home, keys, args) => guarded(evaluate(script, [home, ...keys], args, "bytes")),
    call: async (command, args) => {
      if (client === undefined || state.problem !== undefined) throw downError(REFUSAL);
      return guarded(calls.within(client.call(command, wireArgs(args))));
    },
    start(started) {
      client = started;
      started.on("ready", () => {
        loaded = new Set();
        void meet(started);
      });
      started.on("close", lost);
      started.on("error", (error: Error) => state.change(reasonOf(error) ?? NO_CONNECTION));
      const halfMade = watchHalfMade(started, clock);
      watch = clock.every(timeout / LOOKS_PER_TIMEOUT, () => look(started, halfMade));
      // A failure comes as `error`, and it connects again.
      started.connect().catch(() => {});
    },
    close() {
      state.close();
      watch?.cancel();
      client?.disconnect();
      calls.refuse(unansweredError("the connection to Redis was closed"));
    },
  };
}

/** Told once each time it goes up or down, whatever the reasons are one after another. */
function createState({ name, log, clock, onChange }: ServerOptions) {
  let problem: string | undefined = NOT_YET;
  let quietUntil = Number.NEGATIVE_INFINITY;
  let isClosed = false;
  let isTold = false;
  return {
    get problem() {
      return isClosed ? "the engine is closed" : problem;
    },
    change(text: string | undefined): void {
      if (problem === text || isClosed) return;
      problem = text;
      if (text === undefined) log.info({ redis: name }, "redis: up");
      else if (!isTold) log.warn({ redis: name, reason: text }, "! redis: down");
      isTold = text !== undefined;
      onChange();
    },
    /** It answers, and will not do what it is asked: its memory is full, its disk, or a right is missing. */
    refused(reason: string): void {
      if (clock.now() < quietUntil) return;
      quietUntil = clock.now() + QUIET_MS;
      log.warn({ redis: name, reason }, "! redis: a call was refused");
    },
    /** What an error said before is worth more. */
    lost(): void {
      this.change(problem === undefined || problem === NOT_YET ? NO_CONNECTION : problem);
    },
    close() {
      isClosed = true;
    },
  };
}
