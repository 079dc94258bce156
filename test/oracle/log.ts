/** What was published, as the engine numbered it: the truth that readers are held to. */
import type { Data } from "../../src/connection.ts";
import type { Message, Topics } from "../../src/engine.ts";

export interface Logged {
  readonly topic: string;
  readonly epoch: string;
  readonly offset: number;
  readonly text: string;
  readonly key: string | undefined;
  /** Counts over all topics and epochs. */
  readonly index: number;
}

export interface TruthLog {
  at(topic: string, epoch: string, offset: number): Logged | undefined;
  byText(text: string): Logged | undefined;
  /** Of a topic, in order; epochs follow each other. */
  of(topic: string): readonly Logged[];
  /** Sees what the engine of the present life is given. */
  over(topics: Topics): Topics;
}

export function createTruthLog(): TruthLog {
  const byPlace = new Map<string, Logged>();
  const byText = new Map<string, Logged>();
  const byTopic = new Map<string, Logged[]>();

  function add({
    topic,
    epoch,
    offset,
    data,
    key,
  }: Pick<Message, "topic" | "epoch" | "offset" | "data" | "key">) {
    const place = `${topic} ${epoch} ${offset}`;
    const text = textOf(data);
    const known = byPlace.get(place);
    if (known !== undefined) throw new Error(`${place} was given to ${known.text} and to ${text}`);
    const logged = { topic, epoch, offset, text, key, index: byPlace.size };
    byPlace.set(place, logged);
    byText.set(text, logged);
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), logged]);
  }

  return {
    at: (topic, epoch, offset) => byPlace.get(`${topic} ${epoch} ${offset}`),
    byText: (text) => byText.get(text),
    of: (topic) => byTopic.get(topic) ?? [],
    over: (topics) => ({
      subscribe: (...args) => topics.subscribe(...args),
      history: (...args) => topics.history(...args),
      find: (...args) => topics.find(...args),
      watch: (...args) => topics.watch(...args),
      publish(topic, message, done, idem) {
        const answered: typeof done = (result) => {
          if (!("code" in result)) add({ ...message, topic, epoch: result.epoch, offset: result.offset });
          done?.(result);
        };
        topics.publish(topic, message, answered, idem);
      },
    }),
  };
}

const textOf = (data: Data) => (typeof data === "string" ? data : new TextDecoder().decode(data));
