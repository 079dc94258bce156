/**
 * `maxRate` of a feed: at most so many messages a second reach a topic. What comes too fast waits, of each key only the newest,
 * and is superseded before it has an offset: it reaches nobody, and its publisher is told so.
 * Promise: between two messages of a topic lie at least 1000 / maxRate ms, so no second sees more than `maxRate`. They are published in
 * the order in which their keys began to wait, and the last value of a key is never the one that gives way, up to BOUNDS
 * per topic: past those the longest waiting key does.
 * Every publish is answered exactly once, also by `stop`. One sent again under its `idem` is answered like the first, which may wait here
 * or have been superseded here; of all others the engine knows.
 */
import type { Clock, Timer } from "../clock.ts";
import type { EngineError, Idem, OutMessage, Position, Topics } from "../engine.ts";
import { byteLength } from "../limits.ts";
import type { RouteCounters } from "../metrics.ts";
import { createIdemTable, idemKey } from "./idem.ts";
import { createNewest, type Key, type Newest, type Sized } from "./newest.ts";

export interface Superseded {
  readonly superseded: true;
}
/** What became of a publish. */
export type PubResult = Position | EngineError | Superseded;
export type Conflated = (result: PubResult) => void;

export interface Conflater {
  publish(topic: string, message: OutMessage, done?: Conflated, idem?: Idem): void;
  /** Publishes what waits at once, whatever the rate: the last values belong into the history. Nothing waits afterwards. */
  stop(): void;
}

export interface ConflaterOptions {
  readonly topics: Pick<Topics, "publish">;
  readonly clock: Clock;
  /** Messages a second and topic, above 0. Timers count in whole ms, so from about 100 on it becomes somewhat less. */
  readonly maxRate: number;
  readonly counters: RouteCounters;
}

/**
 * What may wait in one topic. Keys: at ten messages a second the last of them waits a quarter of an hour, rather too many than too few.
 * Bytes of data: with large messages far fewer keys are too much.
 */
const BOUNDS = { keys: 10_000, bytes: 4 * 1024 * 1024 };

/** Past 31 bits a runtime's timer runs at once, and again, and again. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const SUPERSEDED: Superseded = { superseded: true };

/** Answers that one publish may owe: a client that asks again does so on a new connection, and its old one is gone soon. */
const MAX_ASKERS = 16;
const TOO_MANY_ASKERS: EngineError = {
  code: "engine_down",
  text: `${MAX_ASKERS} publishes with this idem wait for their answer already: wait for one of them`,
};

interface Publish {
  readonly message: OutMessage;
  readonly done: Conflated | undefined;
  readonly idem: Idem | undefined;
}

interface Waiting extends Publish, Sized {
  readonly since: number;
}

/** A topic from its first message until nothing waits and the next one may go at once. */
interface Line {
  readonly topic: string;
  readonly waiting: Newest<Waiting>;
  /** From when on the next message may go. */
  next: number;
  timer: Timer | undefined;
}

export function createConflater({ topics, clock, maxRate, counters }: ConflaterOptions): Conflater {
  const interval = 1000 / maxRate;
  const lines = new Map<string, Line>();
  const fates = createFates(clock);
  let isStopped = false;

  function supersede({ done }: Waiting): void {
    // Nobody was due it yet. It counts once on both sides, so that the books stay balanced.
    counters.due += 1;
    counters.dropped.conflated += 1;
    done?.(SUPERSEDED);
  }

  function wait({ waiting }: Line, publish: Publish): void {
    const { size = byteLength(publish.message.data) } = publish.message;
    for (const gone of waiting.put(keyOf(publish), { ...publish, size, since: clock.now() })) supersede(gone);
  }

  /** Begins or goes on with the topic's interval: a runtime's timer may run a little early, and cannot wait for months. */
  function arm(line: Line): void {
    const wait = Math.min(Math.ceil(line.next - clock.now()), MAX_TIMER_MS);
    line.timer = clock.after(wait, () => turn(line));
  }

  function handOver({ topic }: Line, { message, done, idem, since }: Waiting): void {
    topics.publish(topic, message, done, older(idem, clock.now() - since));
  }

  function turn(line: Line): void {
    const now = clock.now();
    if (now < line.next) {
      arm(line);
      return;
    }
    const first = line.waiting.shift();
    if (first === undefined) {
      lines.delete(line.topic);
      return;
    }
    line.next = now + interval;
    arm(line);
    handOver(line, first);
  }

  function begin(topic: string): void {
    const next = clock.now() + interval;
    const line: Line = { topic, waiting: createNewest(BOUNDS), next, timer: undefined };
    lines.set(topic, line);
    arm(line);
  }

  return {
    publish(topic, message, done, idem) {
      const answer = idem === undefined ? done : fates.begin(idemKey(topic, message.user, idem.id), done);
      if (answer === "known") return;
      const line = lines.get(topic);
      if (line !== undefined) {
        wait(line, { message, done: answer, idem });
        return;
      }
      if (!isStopped) begin(topic);
      topics.publish(topic, message, answer, idem);
    },
    stop() {
      isStopped = true;
      const all = [...lines.values()];
      lines.clear();
      for (const line of all) {
        line.timer?.cancel();
        for (let next = line.waiting.shift(); next !== undefined; next = line.waiting.shift())
          handOver(line, next);
      }
    },
  };
}

/**
 * One sent again may have been published before, and then the engine answers it and publishes nothing. It must not have taken a
 * newer value's place until then, so it waits by itself.
 */
function keyOf({ message, idem }: Publish): Key {
  return idem?.age === undefined ? message.key : Symbol("sent again");
}

/** The engine takes `age` as of now, and so must not be told a younger one. */
function older(idem: Idem | undefined, waited: number): Idem | undefined {
  return idem?.age === undefined ? idem : { ...idem, age: idem.age + waited };
}

/** What becomes of publishes with an `idem`, until the engine knows them. */
function createFates(clock: Clock) {
  const fates = createIdemTable<Superseded | Conflated[]>(clock);

  function settle(key: string, askers: readonly Conflated[], result: Parameters<Conflated>[0]): void {
    if ("superseded" in result) fates.keep(key, result);
    else fates.forget(key);
    for (const done of askers) done(result);
  }

  return {
    /** What to answer once it is settled. Known: the first one settles `done` as well, or has. */
    begin(key: string, done: Conflated = () => {}): Conflated | "known" {
      const fate = fates.look(key, undefined);
      if (fate === undefined || typeof fate === "symbol") {
        const askers = [done];
        fates.keep(key, askers);
        return (result) => settle(key, askers, result);
      }
      if ("superseded" in fate) done(fate);
      else if (fate.length < MAX_ASKERS) fate.push(done);
      else done(TOO_MANY_ASKERS);
      return "known";
    },
  };
}
