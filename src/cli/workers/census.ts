/**
 * What all workers say together: each is asked, and whoever has not answered within ANSWER_MS counts with what it said last. What a worker
 * that ended had counted stays in the sums, so no counter ever goes back; what it counted after it was last asked is lost with it.
 */
import type { Clock } from "../../clock.ts";
import { renderMetric } from "../../metrics/prometheus.ts";
import { addUp, countersOf, type Numbers, readNumbers, writeNumbers } from "../../metrics/sums.ts";
import { ACROSS, WORKERS_METRICS } from "../../metrics/workers.ts";
import type { FromWorker, Topic } from "./messages.ts";
import { createRounds } from "./rounds.ts";
import type { Slot } from "./slot.ts";

export interface CensusOptions {
  /** All of them, by their place. */
  readonly slots: () => readonly Pick<Slot, "isListening" | "ended" | "send">[];
  /** Each has listened once. */
  readonly isStarted: () => boolean;
  readonly clock: Clock;
}

export interface Census {
  /** A message of the worker at this place. */
  hear(place: number, message: FromWorker): void;
  /** Its process has ended. */
  forget(place: number): void;
}

/** Two rounds are over before a probe gives up that waits for a second. */
const ANSWER_MS = 350;

export function createCensus({ slots, isStarted, clock }: CensusOptions): Census {
  /** What the process at each place said last. */
  const latest = new Map<number, Numbers>();
  let departed: Numbers = new Map();
  /** Questions by their ids: what becomes of an answer. */
  const waiting = new Map<number, (text: string | undefined) => void>();
  let count = 0;

  /** Resolves with whether there was an answer. `take` hears it at once, before anything that the worker says next. */
  function ask(place: number, topic: Topic, take: (text: string | undefined) => void): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    count += 1;
    const id = count;
    waiting.set(id, (text) => {
      take(text);
      resolve(true);
    });
    const late = clock.after(ANSWER_MS, () => resolve(false));
    slots()[place]?.send({ t: "tell", id, topic });
    return promise.finally(() => {
      late.cancel();
      waiting.delete(id);
    });
  }

  const listening = () =>
    [...slots().entries()].filter(([, { isListening }]) => isListening).map(([place]) => place);

  const metrics = createRounds(async () => {
    const places = listening();
    const answered = await Promise.all(
      places.map((place) => ask(place, "metrics", (text = "") => void latest.set(place, readNumbers(text)))),
    );
    const answering = answered.filter(Boolean).length;
    const stats = {
      answering,
      silent: places.length - answering,
      away: slots().length - places.length,
      ended: slots().reduce((sum, { ended }) => sum + ended, 0),
    };
    const own = WORKERS_METRICS.map((metric) => renderMetric(metric, stats));
    return [writeNumbers(addUp([departed, ...latest.values()], ACROSS)), ...own].join("");
  });

  const notReady = createRounds(async () => {
    if (!isStarted()) return "not all workers have started";
    const problems: (string | undefined)[] = [];
    await Promise.all(listening().map((place) => ask(place, "notReady", (text) => void problems.push(text))));
    if (problems.includes(undefined)) return undefined;
    return problems.length === 0 ? "no worker answers" : [...new Set(problems)].join(", ");
  });

  const topics: Readonly<Record<Topic, () => Promise<string | undefined>>> = { metrics, notReady };
  return {
    hear(place, message) {
      if (message.t === "told") waiting.get(message.id)?.(message.text);
      if (message.t !== "ask") return;
      const { id, topic } = message;
      void topics[topic]().then((text) => slots()[place]?.send({ t: "answer", id, text }));
    },
    forget(place) {
      departed = addUp([departed, countersOf(latest.get(place) ?? new Map())], ACROSS);
      latest.delete(place);
    },
  };
}
