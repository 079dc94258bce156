/** Who is told of a topic's presence. What a callback changes is told after the change under way, so that all hear the same order. */
import type { PresenceChange, Subscription } from "../../engine.ts";
import type { Report } from "./down.ts";

export type Changed = (change: PresenceChange) => void;

export interface Telling {
  tell(topic: string, change: PresenceChange): void;
  watch(topic: string, changed: Changed): Subscription;
  close(): void;
}

export function createTelling(report: Report): Telling {
  const watchers = new Map<string, Set<Changed>>();
  const waiting: (() => void)[] = [];
  let telling = false;

  const tellAll = (
    topic: string,
    told: ReadonlySet<Changed>,
    to: readonly Changed[],
    change: PresenceChange,
  ) => {
    for (const changed of to) {
      try {
        if (told.has(changed)) changed(change);
      } catch (error) {
        report({ stage: "presence", name: topic, error });
      }
    }
  };

  return {
    tell(topic, change) {
      const told = watchers.get(topic);
      if (told === undefined) return;
      const to = [...told];
      waiting.push(() => tellAll(topic, told, to, change));
      if (telling) return;
      telling = true;
      for (const run of waiting) run();
      waiting.length = 0;
      telling = false;
    },
    watch(topic, changed) {
      const told = watchers.get(topic) ?? new Set();
      watchers.set(topic, told);
      // A function of its own: the same one may watch twice.
      const own: Changed = (change) => changed(change);
      told.add(own);
      return {
        close() {
          told.delete(own);
          if (told.size === 0 && watchers.get(topic) === told) watchers.delete(topic);
        },
      };
    },
    close() {
      for (const told of watchers.values()) told.clear();
      watchers.clear();
    },
  };
}
