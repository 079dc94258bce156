/** A conflater in front of an engine that answers at once and writes down what it was handed, and when. */
import type { Timer } from "../../src/clock.ts";
import type { Data } from "../../src/connection.ts";
import type { EngineError, Idem, OutMessage, Published } from "../../src/engine.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import { type Conflated, createConflater } from "../../src/topics/conflate.ts";
import { testClock } from "../clock.ts";

export interface PublishOptions {
  readonly topic?: string;
  readonly key?: string | undefined;
  readonly size?: number;
  readonly user?: string;
  readonly idem?: Idem;
}

export type Answers = Parameters<Conflated>[0][];

/** `early`: ms by which a timer may run before its time, as a runtime's may. */
export function conflateHouse({ maxRate, early = 0 }: { maxRate: number; early?: number }) {
  const clock = testClock();
  const start = clock.now();
  const counters = createRouteCounters("/feed", "feed");
  const handed: OutMessage[] = [];
  const times: number[] = [];
  const delays: number[] = [];
  const offsets = new Map<string, number>();
  const idems: (Idem | undefined)[] = [];
  const held: (() => void)[] = [];
  let failure: EngineError | undefined;
  let isHolding = false;

  const conflater = createConflater({
    topics: {
      publish(topic, message, done: Published = () => {}, idem) {
        const offset = (offsets.get(topic) ?? 0) + 1;
        offsets.set(topic, offset);
        handed.push(message);
        times.push(clock.now() - start);
        idems.push(idem);
        const answer = () => done(failure ?? { epoch: "e", offset });
        if (isHolding) held.push(answer);
        else answer();
      },
    },
    clock: {
      ...clock,
      after(ms, run): Timer {
        delays.push(ms);
        return clock.after(ms > early ? ms - early : ms, run);
      },
    },
    maxRate,
    counters,
  });

  return {
    clock,
    conflater,
    counters,
    handed,
    /** When each was handed over, in ms since the start. */
    times,
    /** What each timer was asked to wait, in ms. */
    delays,
    /** With which `idem`. */
    idems,
    get published() {
      return handed.map(({ data }) => String(data));
    },
    /** What it is answered, as it comes. */
    publish(data: Data, { topic = "t", idem, ...rest }: PublishOptions = {}): Answers {
      const answers: Answers = [];
      conflater.publish(topic, { data, json: false, ...rest }, (result) => answers.push(result), idem);
      return answers;
    },
    /** From now on the engine answers this. */
    fail(error: EngineError | undefined) {
      failure = error;
    },
    /** The engine answers what comes from now on when `answer` is called. */
    hold() {
      isHolding = true;
    },
    answer() {
      isHolding = false;
      for (const each of held.splice(0)) each();
    },
  };
}
