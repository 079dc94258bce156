/**
 * Publishes of one turn of the event loop, or MAX_BATCH of them, become one transaction: a commit costs as much as twenty messages.
 * Delivery and answers come after it, in the order of the calls. When it fails, none of them happened and all are answered so.
 */
import type { EngineError } from "../../engine.ts";
import type { Report } from "../in-process/down.ts";
import type { Moment, Route, Waiting } from "./route.ts";

/** More than that hold up the loop for longer than they save. */
const MAX_BATCH = 512;
/** Unanswered publishes of one topic: what callbacks publish while others are delivered must end somewhere. */
const MAX_WAITING = 1_000;

export interface GroupCommitDeps {
  /** Does it in one transaction; false: nothing of it happened. */
  readonly write: (run: () => void) => boolean;
  readonly moment: () => Moment;
  /** Why nothing was written. */
  readonly refusal: () => EngineError;
  readonly isClosed: () => boolean;
  readonly report: Report;
}

export interface GroupCommit {
  push(publish: Waiting): void;
  /** Commits what waits, unless a commit is under way; what its callbacks publish waits for the next. */
  flush(): void;
}

export function createGroupCommit(deps: GroupCommitDeps): GroupCommit {
  let waiting: Waiting[] = [];
  let isFlushing = false;
  let isScheduled = false;

  /** Not a timer: it runs when the sockets of this turn have been read. */
  const schedule = () => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      flush();
    });
  };

  const flush = () => {
    if (isFlushing || waiting.length === 0) return;
    isFlushing = true;
    const batch = waiting;
    waiting = [];
    const isCommitted = commit(batch, deps);
    for (const publish of batch) finish(publish, isCommitted, deps);
    isFlushing = false;
    if (waiting.length > 0) schedule();
  };

  return {
    push(publish) {
      const { topic, done } = publish;
      if (topic.waiting >= MAX_WAITING) {
        done?.(tooManyWaiting(topic.name));
        return;
      }
      topic.waiting += 1;
      waiting.push(publish);
      if (waiting.length >= MAX_BATCH && !isFlushing) flush();
      else schedule();
    },
    flush,
  };
}

/** False: nothing of it happened. */
function commit(batch: readonly Waiting[], { write, moment }: GroupCommitDeps): boolean {
  const now = moment();
  const routes = new Set<Route>();
  const isCommitted = write(() => {
    for (const publish of batch) {
      routes.add(publish.route);
      publish.route.place(publish, now);
    }
    for (const route of routes) route.settle(now.kept);
  });
  for (const route of routes) {
    if (isCommitted) route.confirm();
    else route.undo();
  }
  return isCommitted;
}

function finish(
  publish: Waiting,
  isCommitted: boolean,
  { refusal, isClosed, report }: GroupCommitDeps,
): void {
  const { route, topic, placed, answer, done } = publish;
  if (isCommitted && placed !== undefined && !isClosed()) route.deliver(topic, placed);
  topic.waiting -= 1;
  try {
    done?.(isCommitted && answer !== undefined ? answer : refusal());
  } catch (error) {
    report({ stage: "done", route: route.path, name: topic.name, error });
  }
}

const tooManyWaiting = (topic: string): EngineError => ({
  code: "engine_down",
  text: `${MAX_WAITING} messages of topic ${JSON.stringify(topic)} wait for the disk already; publish more slowly`,
});
