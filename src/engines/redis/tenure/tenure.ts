/**
 * What this node has in one home, held by one lease. All its entries there carry its tag; the tag is renewed three times per lease, whatever
 * their number. When what Redis has may differ from what the node knows (the tag ended, data was lost, a call failed, pub/sub was away) the
 * node takes a new tag, registers all that it still has under it, and ends the old ones: what nobody registered is removed as if it had left.
 *
 * Limits: WAITING calls wait for a tag. Failure: a call rejects with ENGINE_DOWN and leaves a doubt; the next time that Redis answers, all
 * is registered again. By its own clock the node is sure of what it has until `lease`, less a margin, after it SENT its last renewal. Redis
 * counts a whole lease from when it took it, so the node gives up before anybody else may take.
 */
import type { Clock, Timer } from "../../../clock.ts";
import type { Subscription } from "../../../engine.ts";
import { downError } from "../down.ts";
import type { Home, Homes } from "../homes.ts";
import type { Script } from "../script.ts";
import type { Arg } from "../server.ts";
import { createDeadline, type Deadline } from "./deadline.ts";
import { END, ENTER, RENEW, STALE } from "./lua.ts";

/** ARGV[2] and ARGV[3] of the script are the time and the tag; `args` follow. */
export type Send = (script: Script, args: readonly Arg[]) => Promise<unknown>;

export interface Tenure {
  readonly home: Home;
  /** The node may act on what it has: nobody else can have it yet. */
  readonly isSure: boolean;
  /** All is registered anew: what was answered before may not be part of it. */
  readonly isSettling: boolean;
  /**
   * Calls go to Redis in this order, also those that have to wait for a tag; `sent` is called as this one goes. An answer of STALE is the
   * caller's to look at.
   */
  run(script: Script, args: readonly Arg[], sent?: () => void): Promise<unknown>;
  /** What Redis has may differ from what the node knows: all is registered anew as soon as that can be. */
  doubt(): void;
  /** Everything of this node ends, now. Resolves also when Redis cannot be told. */
  close(): Promise<void>;
}

export interface TenureOptions {
  readonly homes: Homes;
  readonly home: Home;
  readonly clock: Clock;
  /** ms */
  readonly lease: number;
  readonly node: string;
  readonly sweep: Script;
  /** What must be listened to before the first entry. */
  readonly ready?: Promise<void>;
  /** Registers all that the node has under a new tag, through `send`. */
  settle(send: Send): Promise<void>;
  /** The node is not sure any more. */
  onOverdue?(): void;
  /** Redis took a renewal, or all was registered anew. MUST NOT throw. */
  onRenewed?(): void;
}

const RENEWALS_PER_LEASE = 3;
/** Clocks of two machines run apart by less in one lease, by far. */
const MARGIN = 0.05;
const WAITING = 10_000;
/** A node that fails again and again leaves them to end by themselves. */
const FORMER = 16;
const ATTEMPTS = 3;

interface Waiting {
  send(): void;
  refuse(error: unknown): void;
}

interface State {
  readonly options: TenureOptions;
  readonly deadline: Deadline;
  readonly waiting: Waiting[];
  /** What it has now; "" before the first. */
  tag: string;
  /** Tags that may have entries, and are not used any more. */
  former: readonly string[];
  tags: number;
  doubts: number;
  /** `doubts` when all was registered the last time. */
  settled: number;
  entering: Promise<void> | undefined;
  isRenewing: boolean;
  isClosed: boolean;
  ticks: Timer | undefined;
  up: Subscription | undefined;
}

export function createTenure(options: TenureOptions): Tenure {
  const deadline = createDeadline(options.clock, () => {
    state.doubts += 1;
    options.onOverdue?.();
  });
  const state: State = {
    options,
    deadline,
    waiting: [],
    tag: "",
    former: [],
    tags: 0,
    doubts: 0,
    settled: -1,
    entering: undefined,
    isRenewing: false,
    isClosed: false,
    ticks: undefined,
    up: undefined,
  };

  return {
    home: options.home,
    get isSure() {
      return !state.isClosed && deadline.isAhead;
    },
    get isSettling() {
      return state.entering !== undefined;
    },
    run(script, args, sent) {
      if (state.isClosed) return Promise.reject(downError(CLOSED));
      deadline.check();
      if (isIn(state)) {
        sent?.();
        return sendAs(state, state.tag)(script, args);
      }
      if (state.waiting.length >= WAITING) return Promise.reject(downError(CROWD));
      return new Promise((resolve, refuse) => {
        const send = () => {
          sent?.();
          sendAs(state, state.tag)(script, args).then(resolve, refuse);
        };
        state.waiting.push({ send, refuse });
        enter(state);
      });
    },
    doubt() {
      state.doubts += 1;
      enter(state);
    },
    close: () => close(state),
  };
}

const CLOSED = "the engine is closed";
const CROWD = "too many calls wait for Redis; try again later";

const isIn = ({ settled, doubts, entering }: State): boolean => settled === doubts && entering === undefined;

const sendAs =
  ({ options }: State, tag: string): Send =>
  (script, args) =>
    options.home.run(script, [], [options.homes.stamp(), tag, ...args]);

function enter(state: State): void {
  const { options } = state;
  if (state.entering !== undefined || state.isClosed) return;
  const leave = (each: (call: Waiting) => void) => {
    state.entering = undefined;
    for (const call of state.waiting.splice(0)) each(call);
  };
  state.entering = enterUntilSure(state).then(
    () => {
      leave((call) => call.send());
      options.onRenewed?.();
    },
    (error: unknown) => leave((call) => call.refuse(error)),
  );
}

async function enterUntilSure(state: State): Promise<void> {
  const { options } = state;
  state.ticks ??= options.clock.every(options.lease / RENEWALS_PER_LEASE, () => tick(state));
  state.up ??= options.homes.onUp(() => {
    state.deadline.check();
    state.doubts += 1;
    enter(state);
  });
  for (let n = 0; n < ATTEMPTS && state.settled !== state.doubts; n++) await takeNewTag(state);
  if (state.settled !== state.doubts) throw downError("Redis did not keep what this node has");
}

async function takeNewTag(state: State): Promise<void> {
  const { options, deadline, doubts } = state;
  await options.ready;
  if (state.isClosed) throw downError(CLOSED);
  const tag = `${options.node}.${state.tags++}`;
  const send = sendAs(state, tag);
  const sent = options.clock.now();
  const before = state.tag === "" ? state.former : [...new Set([...state.former, state.tag])];
  // Also when this fails on its way: then it is one of those that must end.
  state.former = [...before, tag].slice(-FORMER);
  await send(ENTER, [options.lease]);
  await options.settle(send);
  if (before.length > 0) {
    await send(END, before);
    await sweep(state, send);
  }
  // The time of the old tag may have run out meanwhile: what it had then is lost, and must not stay under the new one.
  deadline.check();
  if (state.isClosed) throw downError(CLOSED);
  state.former = [];
  state.tag = tag;
  state.settled = doubts;
  deadline.extend(sent + options.lease * (1 - MARGIN));
}

async function sweep(state: State, send: Send): Promise<void> {
  while (!state.isClosed && Number(await send(state.options.sweep, [])) === 1);
}

function tick(state: State): void {
  state.deadline.check();
  if (!isIn(state)) enter(state);
  else if (!state.isRenewing) void renew(state);
}

async function renew(state: State): Promise<void> {
  const { options, tag, deadline } = state;
  const send = sendAs(state, tag);
  const sent = options.clock.now();
  state.isRenewing = true;
  try {
    const answer = await send(RENEW, [options.lease]);
    deadline.check();
    if (tag !== state.tag || state.isClosed || !isIn(state)) return;
    if (answer === STALE) {
      state.doubts += 1;
      return enter(state);
    }
    deadline.extend(sent + options.lease * (1 - MARGIN));
    options.onRenewed?.();
    if (Number(answer) === 1) await sweep(state, send);
  } catch {
    // The link says why. The next tick tries again, and `deadline` goes on running.
  } finally {
    state.isRenewing = false;
  }
}

async function close(state: State): Promise<void> {
  if (state.isClosed) return;
  state.isClosed = true;
  state.ticks?.cancel();
  state.up?.close();
  state.deadline.cancel();
  for (const { refuse } of state.waiting.splice(0)) refuse(downError(CLOSED));
  const all = state.tag === "" ? state.former : [...new Set([...state.former, state.tag])];
  if (all.length === 0) return;
  const send = sendAs(state, all.at(-1) ?? "");
  try {
    await send(END, all);
    while (Number(await send(state.options.sweep, [])) === 1);
  } catch {
    // Nobody renews it: it ends by its lease.
  }
}
