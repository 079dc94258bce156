/**
 * The command connection to one Redis: runs scripts, each answered or refused within `timeout`.
 *
 * Failure: without a connection a call is refused at once. One that is not answered in time fails with all that wait, and the connection
 * is made anew; what they asked for may or may not have happened. A server that may evict our keys, or is too old, is not used.
 */
import type { Redis } from "ioredis";
import type { Clock, Timer } from "../../clock.ts";
import { isEngineDown } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { createCalls } from "./calls.ts";
import { downError, unansweredError } from "./down.ts";
import { watchHalfMade } from "./half-made.ts";
import { ADOPT, FOREIGN, type Script } from "./script.ts";
import { type About, askAbout, problemOf } from "./server-about.ts";

export type Arg = string | number | Uint8Array;

export interface Server {
  /** Undefined: it takes calls. */
  readonly problem: string | undefined;
  /** What its clock is ahead of ours, in ms. */
  readonly skew: number;
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
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn">;
  /** A fresh generation. */
  readonly fresh: () => string;
  /** It takes calls, or does not any more. */
  readonly onChange: () => void;
  /** It no longer has the keys that it was asked for (Redis Cluster). */
  readonly onMoved: () => void;
}

const LOOKS_PER_TIMEOUT = 4;
/** Refusals come in thousands; one line says it. */
const QUIET_MS = 60_000;
const NO_CONNECTION = "there is no connection";
const REFUSAL = "Redis cannot be reached; try again later";

export function createServer(options: ServerOptions): Server {
  const { timeout, clock } = options;
  const calls = createCalls(clock);
  const state = createState(options);
  let client: Redis | undefined;
  let about: About | undefined;
  let loaded = new Set<string>();
  let pinged = 0;
  let watch: Timer | undefined;

  /** Each connection may lead to another server than the last one. */
  async function meet(present: Redis): Promise<void> {
    try {
      about = await calls.within(askAbout(present, clock));
      loaded = new Set();
      state.change(problemOf(about));
    } catch (error) {
      state.change(error instanceof Error ? error.message : NO_CONNECTION);
      present.disconnect(true);
    }
  }

  function look(present: Redis, halfMade: () => number | undefined): void {
    const { oldest } = calls;
    if ((halfMade() ?? 0) >= timeout) present.disconnect(true);
    else if (oldest !== undefined && oldest >= timeout) {
      calls.refuse(unansweredError(`Redis did not answer within ${timeout} ms`));
      state.change(`it did not answer within ${timeout} ms`);
      about = undefined;
      present.disconnect(true);
    } else if (about !== undefined && oldest === undefined && clock.now() - pinged >= timeout) {
      // A link that died without a word is noticed by this alone.
      pinged = clock.now();
      calls.within(present.ping()).catch(() => {});
    }
  }

  async function evaluate(script: Script, keys: readonly string[], args: readonly Arg[], texts: Texts) {
    if (client === undefined || about === undefined || state.problem !== undefined) throw downError(REFUSAL);
    const sender: Sender = { client, within: calls.within, loaded };
    const { run, keeps } = about;
    const rest = [keys.length, ...keys, run, ...args];
    try {
      return await send(sender, script, rest, texts);
    } catch (error) {
      if (!isReply(error, FOREIGN)) throw error;
      await send(sender, ADOPT, [1, keys[0] ?? "", options.fresh(), keeps ? "keep" : ""], "text");
      return await send(sender, script, rest, texts);
    }
  }

  async function guarded<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (["MOVED", "ASK", "CLUSTERDOWN"].some((code) => isReply(error, code))) options.onMoved();
      else if (error instanceof Error && error.name === "ReplyError") state.refused(error.message);
      throw failureOf(error);
    }
  }

  return {
    get problem() {
      return state.problem;
    },
    get skew() {
      return about?.skew ?? 0;
    },
    run: (script, home, keys, args) => guarded(evaluate(script, [home, ...keys], args, "text")),
    runBinary: (script, home, keys, args) => guarded(evaluate(script, [home, ...keys], args, "bytes")),
    call: async (command, args) => {
      if (client === undefined || state.problem !== undefined) throw downError(REFUSAL);
      return guarded(calls.within(client.call(command, wireArgs(args))));
    },
    start(started) {
      client = started;
      started.on("ready", () => void meet(started));
      started.on("close", () => {
        about = undefined;
        calls.refuse(unansweredError("the connection to Redis was lost"));
        state.change(state.problem ?? NO_CONNECTION);
      });
      started.on("error", (error: Error) => state.change(error.message || NO_CONNECTION));
      const halfMade = watchHalfMade(started, clock);
      watch = clock.every(timeout / LOOKS_PER_TIMEOUT, () => look(started, halfMade));
      // A failure comes as `error`, and it connects again.
      started.connect().catch(() => {});
    },
    close() {
      state.close();
      watch?.cancel();
      client?.disconnect();
      calls.refuse(downError("the engine is closed"));
    },
  };
}

/** Told once each time it goes up or down, whatever the reasons are one after another. */
function createState({ name, log, clock, onChange }: ServerOptions) {
  let problem: string | undefined = NO_CONNECTION;
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
    close() {
      isClosed = true;
    },
  };
}

type Texts = "text" | "bytes";

interface Sender {
  readonly client: Redis;
  readonly within: <T>(answer: Promise<T>) => Promise<T>;
  /** Scripts that this connection has sent whole. */
  readonly loaded: Set<string>;
}

async function send({ client, within, loaded }: Sender, script: Script, rest: readonly Arg[], texts: Texts) {
  const call = (command: string, body: string) => {
    const args = wireArgs([body, ...rest]);
    return within(texts === "bytes" ? client.callBuffer(command, args) : client.call(command, args));
  };
  if (!loaded.has(script.sha)) {
    // Asking first would cost the first call its place: those behind it that need no second attempt would overtake it.
    loaded.add(script.sha);
    return call("EVAL", script.lua);
  }
  try {
    return await call("EVALSHA", script.sha);
  } catch (error) {
    if (!isReply(error, "NOSCRIPT")) throw error;
    return call("EVAL", script.lua);
  }
}

/** All our bytes are Buffers where they come from the runtime; the library takes no other arrays. */
const wireArgs = (args: readonly Arg[]): (string | number | Buffer)[] =>
  args.map((arg) =>
    arg instanceof Uint8Array && !Buffer.isBuffer(arg)
      ? Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength)
      : arg,
  ) as (string | number | Buffer)[];

/** What Redis answered stays in `cause`: clients are not told of it. */
function failureOf(error: unknown): Error {
  if (isEngineDown(error)) return error;
  const isAnswer = error instanceof Error && (error.name === "ReplyError" || UNSENT.test(error.message));
  if (isAnswer) return downError("Redis did not take the call; try again later", error);
  return unansweredError("the connection to Redis was lost");
}

/** How the library says that it has no connection. */
const UNSENT = /Stream isn't writeable/;

const isReply = (error: unknown, code: string) => error instanceof Error && error.message.startsWith(code);
