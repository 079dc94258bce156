/**
 * `maxRate` of a feed: at most so many messages a second reach a topic. What comes too fast waits, of each key only the newest,
 * and is superseded before it has an offset: it reaches nobody, and its publisher is told so.
 * Promise: between two messages of a topic lie at least 1000 / maxRate ms, so no second sees more than `maxRate`. They are published in
 * the order in which their keys began to wait, and the last value of a key is never the one that gives way, up to BOUNDS
 * per topic: past those the longest waiting key does.
 * Every publish is answered exactly once, also by `stop`.
 */
import type { Clock, Timer } from "./clock.ts";
import type { EngineError, OutMessage, Position, Topics } from "./engine.ts";
import { byteLength } from "./limits.ts";
import type { RouteCounters } from "./metrics.ts";
import { createNewest, type Newest, type Sized } from "./newest.ts";

export interface Superseded {
  readonly superseded: true;
}
export type Conflated = (result: Position | EngineError | Superseded) => void;

export interface Conflater {
  publish(topic: string, message: OutMessage, done?: Conflated): void;
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

const SUPERSEDED: Superseded = { superseded: true };

interface Waiting extends Sized {
  readonly message: OutMessage;
  readonly done: Conflated | undefined;
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
  let isStopped = false;

  function supersede({ done }: Waiting): void {
    // Nobody was due it yet. It counts once on both sides, so that the books stay balanced.
    counters.due += 1;
    counters.dropped.conflated += 1;
    done?.(SUPERSEDED);
  }

  function wait({ waiting }: Line, message: OutMessage, done: Conflated | undefined): void {
    const size = message.size ?? byteLength(message.data);
    for (const gone of waiting.put(message.key, { message, size, done })) supersede(gone);
  }

  /** Begins or goes on with the topic's interval; a runtime's timer may run a little early. */
  function arm(line: Line): void {
    line.timer = clock.after(Math.ceil(line.next - clock.now()), () => turn(line));
  }

  function handOver({ topic }: Line, { message, done }: Waiting): void {
    topics.publish(topic, message, done);
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

  return {
    publish(topic, message, done) {
      const line = lines.get(topic);
      if (line !== undefined) {
        wait(line, message, done);
        return;
      }
      if (!isStopped) {
        const next = clock.now() + interval;
        const started: Line = { topic, waiting: createNewest(BOUNDS), next, timer: undefined };
        lines.set(topic, started);
        arm(started);
      }
      topics.publish(topic, message, done);
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
