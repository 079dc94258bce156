/**
 * A worker's side of what all of them say together: it asks whoever watches, and answers about itself when it is asked. One question a
 * topic is under way, however many ask here. Failure: no answer within ANSWER_MS is told as such; nothing is guessed.
 */
import type { Clock } from "../../clock.ts";
import type { GatewayParts } from "../../gateway.ts";
import type { FromWorker, Topic, ToWorker } from "./messages.ts";
import { createRounds } from "./rounds.ts";

export interface Siblings {
  readonly speak: NonNullable<GatewayParts["siblings"]>;
  hear(message: ToWorker): void;
}

/** Longer than two rounds of census.ts; a probe that gives up after a second gets its answer before. */
const ANSWER_MS = 900;

type Answer = { readonly text: string | undefined };
type Own = Parameters<Siblings["speak"]>[0];

export function createSiblings(send: (message: FromWorker) => void, clock: Clock): Siblings {
  const waiting = new Map<number, (answer: Answer) => void>();
  let count = 0;
  let self: Own | undefined;

  /** Undefined: there was none. */
  function ask(topic: Topic): Promise<Answer | undefined> {
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
    count += 1;
    const id = count;
    waiting.set(id, resolve);
    const late = clock.after(ANSWER_MS, () => resolve(undefined));
    send({ t: "ask", id, topic });
    return promise.finally(() => {
      late.cancel();
      waiting.delete(id);
    });
  }

  async function tell(id: number, topic: Topic): Promise<void> {
    send({ t: "told", id, text: await self?.[topic]() });
  }

  const askMetrics = createRounds(() => ask("metrics"));
  const askReadiness = createRounds(() => ask("notReady"));
  return {
    speak(own) {
      self = own;
      return {
        metrics: async () => (await askMetrics())?.text,
        async notReady() {
          const answer = await askReadiness();
          return answer === undefined ? "the process that watches the workers does not answer" : answer.text;
        },
      };
    },
    hear(message) {
      if (message.t === "answer") waiting.get(message.id)?.(message);
      if (message.t === "tell") void tell(message.id, message.topic);
    },
  };
}
