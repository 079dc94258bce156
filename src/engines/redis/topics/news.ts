/**
 * Topics that begin, for those who watch: told by a channel of each home while anybody watches. What was told while Redis was away is
 * not known, so all topics are told then: whoever watches passes over those that it reads.
 */
import type { Position, Subscription } from "../../../engine.ts";
import type { Report } from "../../in-process/down.ts";
import { createWatchers } from "../../in-process/watchers.ts";
import type { Listening } from "../channels.ts";
import type { Home } from "../homes.ts";
import { newsChannel } from "./names.ts";
import type { Found, Store } from "./store.ts";

export interface News {
  watch(seen: (topic: string) => void): Subscription;
  /** Until whoever watches hears of every topic that begins, or cannot. */
  readonly opening: Promise<void> | undefined;
  /** Rejects with ENGINE_DOWN when it cannot. */
  ready(): Promise<void>;
  /** Before the first message of a topic that is being told of; undefined for any other topic. */
  began(topic: string): Position | undefined;
  all(home: Home, glob: string): AsyncGenerator<Found>;
  again(): void;
  close(): void;
}

export interface NewsDeps {
  readonly store: Store;
  readonly route: string;
  readonly report: Report;
  readonly isOpen: () => boolean;
}

export function createNews({ store, route, report, isOpen }: NewsDeps): News {
  const watchers = createWatchers(route, report);
  let listening: readonly Listening[] = [];
  let opening: Promise<void> | undefined;
  let telling: { readonly topic: string; readonly position: Position } | undefined;

  function tell(topic: string, epoch: string): void {
    const before = telling;
    telling = { topic, position: { epoch, offset: 0 } };
    watchers.tell(topic);
    telling = before;
  }

  function heard(payload: Buffer): void {
    const [epoch = "", topic = ""] = splitOnce(payload.toString());
    tell(topic, epoch);
  }

  async function* all(home: Home, glob: string): AsyncGenerator<Found> {
    let cursor = "0";
    do {
      const page = await store.scan(home, cursor, glob);
      cursor = page.cursor;
      yield* page.found;
    } while (cursor !== "0" && isOpen());
  }

  async function tellAll(home: Home): Promise<void> {
    for await (const { topic, epoch } of all(home, "*")) {
      if (watchers.count === 0) return;
      tell(topic, epoch);
    }
  }

  async function ready(): Promise<void> {
    await Promise.all(listening.map((one) => one.ready));
  }

  function open(): void {
    listening = store.homes.map((home) => home.listen(newsChannel(home), heard));
    opening = ready()
      // `find`, which follows, says so.
      .catch(() => {})
      .finally(() => {
        opening = undefined;
      });
  }

  return {
    watch(seen) {
      if (listening.length === 0) open();
      const watching = watchers.watch(seen);
      return {
        close() {
          watching.close();
          if (watchers.count > 0) return;
          for (const one of listening) one.close();
          listening = [];
        },
      };
    },
    get opening() {
      return opening;
    },
    ready,
    began: (topic) => (telling?.topic === topic ? telling.position : undefined),
    all,
    again() {
      // A server may go again, or not be there yet: then this is done again.
      if (watchers.count > 0) for (const home of store.homes) tellAll(home).catch(() => {});
    },
    close() {
      watchers.close();
      for (const one of listening) one.close();
    },
  };
}

/** The epoch has no blank; a topic may have no blank either, but that is not for us to say. */
function splitOnce(text: string): [string, string] {
  const at = text.indexOf(" ");
  return [text.slice(0, at), text.slice(at + 1)];
}
