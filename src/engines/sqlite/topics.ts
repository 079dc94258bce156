/** What a route is given of the sqlite engine: publishes go to the group commit, everything else is answered at once. */
import type {
  Deliver,
  EngineError,
  HistoryPage,
  HistoryQuery,
  Position,
  Published,
  Subscription,
  Topics,
} from "../../engine.ts";
import { FairleadError } from "../../errors.ts";
import { matcher } from "../../wire/topic.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Route } from "./route.ts";
import type { Store } from "./store.ts";
import { evict, offsetOf, readPage } from "./topic.ts";

export interface TopicsDeps {
  readonly route: Route;
  readonly commits: GroupCommit;
  /** Why nothing can be published; undefined: it can. */
  readonly refusal: () => EngineError | undefined;
  /** Runs `read`, unless the file cannot be read: then the answer is the reason. */
  readonly reading: <T>(read: (store: Store) => T) => T | EngineError;
  readonly kept: () => number;
}

const SILENT: Subscription = { close() {} };

export function createTopics({ route, commits, refusal, reading, kept }: TopicsDeps): Topics {
  const publish: Topics["publish"] = (name, message, done, idem) => {
    const refused = refusal();
    if (refused !== undefined) return done?.(refused);
    commits.push({
      route,
      topic: route.topic(name),
      message,
      done,
      idem,
      placed: undefined,
      answer: undefined,
    });
  };

  const subscribe = (name: string, deliver: Deliver, done?: Published): Subscription => {
    const topic = route.topic(name);
    const at = reading(() => {
      const state = route.state(topic);
      return { epoch: state.epoch, offset: topic.announcing ? 0 : offsetOf(state) };
    });
    if ("code" in at) {
      done?.(at);
      return SILENT;
    }
    const subscriber = { deliver, from: at.offset };
    topic.subscribers = [...topic.subscribers, subscriber];
    done?.(at);
    return {
      close() {
        subscriber.from = Number.POSITIVE_INFINITY;
        topic.subscribers = topic.subscribers.filter((other) => other !== subscriber);
      },
    };
  };

  const history = (name: string, query: HistoryQuery): Promise<HistoryPage> =>
    promised(
      reading((store) => {
        const state = route.state(route.topic(name));
        evict(state, route.limits, kept(), store);
        return readPage(name, state, query, store);
      }),
    );

  const find: Topics["find"] = (pattern, limit) => {
    const matches = matcher(pattern);
    return promised(
      reading((store) => {
        const found: (Position & { topic: string })[] = [];
        for (const topic of store.topicsLike(route.id, literalStart(pattern))) {
          if (found.length >= limit) break;
          if (topic.offset > 0 && matches(topic.topic)) found.push(topic);
        }
        return found;
      }),
    );
  };

  return {
    publish,
    subscribe,
    history,
    find,
    watch: (seen) => route.watchers.watch(seen),
  };
}

/** What every match of the pattern begins with. */
const literalStart = (pattern: string) => pattern.slice(0, /[*>]|$/.exec(pattern)?.index);

function promised<T extends object>(result: T | EngineError): Promise<T> {
  return "code" in result
    ? Promise.reject(new FairleadError("ENGINE_DOWN", result.text))
    : Promise.resolve(result);
}
