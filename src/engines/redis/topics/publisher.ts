/**
 * Publishes of one route on their way to Redis: those of a topic that wait go together, in one script, and the next ones when it has
 * answered. So their order is that of the calls, whatever becomes of a script, and a busy topic costs one call for many messages.
 *
 * Limits: `pending` unanswered ones of a topic; MAX_BATCH and MAX_BATCH_BYTES in a call. Failure: all of a call are refused, with
 * `engine_down` where nothing happened, with `gone` where it may have: the call was sent and its answer is lost.
 */
import type { EngineError, Idem, OutMessage, Position, Published } from "../../../engine.ts";
import { isEngineDown } from "../../../errors.ts";
import { byteLength } from "../../../limits.ts";
import { goneError, idemKey } from "../../../topics/idem.ts";
import type { Report } from "../../in-process/down.ts";
import { downAnswer, isUnanswered } from "../down.ts";
import type { Arg } from "../server.ts";
import { encodeBody } from "./body.ts";

interface Waiting {
  readonly done: Published | undefined;
  /** Of its idem. */
  readonly key: string | undefined;
  readonly age: number | undefined;
  readonly body: Buffer;
}

interface Queue {
  readonly topic: string;
  waiting: Waiting[];
  /** Those that Redis has not answered. */
  sent: number;
}

/** Runs the script for a topic; `args` are those of its messages. Answers the epoch, then what became of each. */
export type SendBatch = (topic: string, args: readonly Arg[]) => Promise<unknown>;

export interface Publisher {
  publish(topic: string, message: OutMessage, done?: Published, idem?: Idem): void;
  /** Those that wait are answered as down, and those to come. */
  close(answer: EngineError): void;
}

export interface PublisherOptions {
  readonly send: SendBatch;
  /** 0 = any number. */
  readonly pending: number;
  readonly route: string;
  readonly report: Report;
}

const MAX_BATCH = 256;
const MAX_BATCH_BYTES = 1024 * 1024;

export function createPublisher({ send, pending, route, report }: PublisherOptions): Publisher {
  const queues = new Map<string, Queue>();
  let ready: Queue[] = [];
  let down: EngineError | undefined;

  /** After the sockets of this turn have been read: what they bring goes together. */
  function schedule(queue: Queue): void {
    ready.push(queue);
    if (ready.length > 1) return;
    setImmediate(() => {
      const now = ready;
      ready = [];
      for (const one of now) void flush(one);
    });
  }

  async function flush(queue: Queue): Promise<void> {
    const batch = takeBatch(queue);
    queue.sent = batch.length;
    const answers = await ask(queue.topic, batch);
    queue.sent = 0;
    if (queue.waiting.length > 0) schedule(queue);
    else queues.delete(queue.topic);
    for (const [index, waiting] of batch.entries()) finish(queue.topic, waiting, answers(index));
  }

  async function ask(
    topic: string,
    batch: readonly Waiting[],
  ): Promise<(index: number) => Position | EngineError> {
    try {
      const answer = await send(topic, argsOf(batch));
      if (!Array.isArray(answer) || answer.length !== batch.length + 1)
        throw new Error("an answer of another form");
      const epoch = String(answer[0]);
      return (index) => down ?? resultOf(epoch, answer[index + 1], batch[index]?.age);
    } catch (error) {
      if (!isEngineDown(error)) report({ stage: "done", route, name: topic, error });
      const refused = isUnanswered(error) ? LOST : downAnswer(error);
      return () => down ?? refused;
    }
  }

  function finish(topic: string, { done }: Waiting, answer: Position | EngineError): void {
    try {
      done?.(answer);
    } catch (error) {
      report({ stage: "done", route, name: topic, error });
    }
  }

  return {
    publish(topic, message, done, idem) {
      if (down !== undefined) return done?.(down);
      const known = queues.get(topic);
      if (known !== undefined && pending > 0 && known.waiting.length + known.sent >= pending)
        return done?.(tooMany(topic, pending));
      const queue = known ?? { topic, waiting: [], sent: 0 };
      const size = message.size ?? byteLength(message.data);
      const key = idem === undefined ? undefined : idemKey(topic, message.user, idem.id);
      queue.waiting.push({ done, key, age: idem?.age, body: encodeBody(message, size) });
      if (known !== undefined) return;
      queues.set(topic, queue);
      schedule(queue);
    },
    close(answer) {
      down = answer;
      for (const { topic, waiting } of queues.values()) {
        // A call under way is refused by its connection.
        for (const one of waiting.splice(0)) finish(topic, one, answer);
      }
    },
  };
}

/** One at least, whatever its size. */
function takeBatch(queue: Queue): Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const { body } of queue.waiting) {
    bytes += body.length;
    if (count === MAX_BATCH || (count > 0 && bytes > MAX_BATCH_BYTES)) break;
    count += 1;
  }
  if (count === queue.waiting.length) {
    const all = queue.waiting;
    queue.waiting = [];
    return all;
  }
  return queue.waiting.splice(0, count);
}

function argsOf(batch: readonly Waiting[]): Arg[] {
  const args: Arg[] = [batch.length];
  for (const { body } of batch) args.push(body);
  for (const [index, { key, age }] of batch.entries())
    if (key !== undefined) args.push(index + 1, key, age ?? "");
  return args;
}

/** An offset; or `epoch offset` of the first time; or nothing, where that may have been forgotten. */
function resultOf(epoch: string, answer: unknown, age: number | undefined): Position | EngineError {
  if (typeof answer === "number") return { epoch, offset: answer };
  const [first, offset] = String(answer).split(" ");
  return first === undefined || offset === undefined
    ? goneError(age)
    : { epoch: first, offset: Number(offset) };
}

const LOST: EngineError = {
  code: "gone",
  text: "the engine did not answer: it may or may not have happened; look it up in the history before you publish it again",
};

const tooMany = (topic: string, pending: number): EngineError => ({
  code: "engine_down",
  text: `${pending} messages of topic ${JSON.stringify(topic)} wait for the engine already; publish more slowly`,
});
