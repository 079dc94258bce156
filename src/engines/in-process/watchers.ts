/** Who is told of the topics of a route that begin. A message path with none of them looks at `count` once per topic. */
import type { Subscription } from "../../engine.ts";
import type { Report } from "./down.ts";

export interface Watchers {
  readonly count: number;
  watch(seen: (topic: string) => void): Subscription;
  tell(topic: string): void;
  close(): void;
}

export function createWatchers(route: string, report: Report): Watchers {
  const watchers = new Set<{ readonly seen: (topic: string) => void }>();
  return {
    get count() {
      return watchers.size;
    },
    watch(seen) {
      // An object of its own: the same function may watch twice.
      const watcher = { seen };
      watchers.add(watcher);
      return { close: () => void watchers.delete(watcher) };
    },
    tell(topic) {
      for (const watcher of [...watchers]) {
        try {
          if (watchers.has(watcher)) watcher.seen(topic);
        } catch (error) {
          report({ stage: "seen", route, name: topic, error });
        }
      }
    },
    close: () => watchers.clear(),
  };
}
