/**
 * The readers of one route, one for each topic that somebody listens to here: opened with the first who does, closed with the last.
 * Failure: one that cannot be opened refuses those who wait; one that stands somewhere stays, and goes on when Redis is back.
 */
import type { EngineError, Position } from "../../../engine.ts";
import type { Report } from "../../in-process/down.ts";
import type { Listening } from "../channels.ts";
import { downAnswer } from "../down.ts";
import type { Home, Homes } from "../homes.ts";
import { topicChannel } from "./names.ts";
import { Reader, type Subscriber, type Traffic } from "./reader.ts";
import type { Store } from "./store.ts";

export interface Readers {
  readonly count: number;
  /** Until it is known where the topic begins, or that it cannot; undefined: nobody waits for that. */
  opening(topic: string): Promise<void> | undefined;
  /** `began`: nothing of the topic was delivered before this, whatever Redis says by now. */
  join(topic: string, subscriber: Subscriber, began: Position | undefined): { close(): void };
  /** Looks whether anything was lost on the way, and says that somebody listens. */
  check(): Promise<void>;
  close(answer: EngineError): void;
}

export interface ReadersDeps {
  readonly homes: Homes;
  readonly store: Store;
  readonly route: string;
  readonly report: Report;
  readonly traffic: Traffic;
}

interface Opened {
  readonly topic: string;
  readonly home: Home;
  readonly reader: Reader;
  readonly listening: Listening;
  opening: Promise<void> | undefined;
}

/** A topic that is listened to is not forgotten for so long after the last look at it. */
const LISTENED_MS = 60_000;
const TOPICS_PER_LOOK = 200;

export function createReaders({ homes, store, route, report, traffic }: ReadersDeps): Readers {
  const readers = new Map<string, Opened>();

  function open(topic: string): Opened {
    const home = store.home(topic);
    const rest = (after: Position) => store.rest(topic, after);
    const reader = new Reader({ topic, route, rest, report, traffic });
    const listening = home.listen(topicChannel(home, topic), (bytes) => reader.heard(bytes, homes.now()));
    const opened: Opened = { topic, home, reader, listening, opening: undefined };
    readers.set(topic, opened);
    opened.opening = begin(opened)
      .catch((error: unknown) => fail(opened, downAnswer(error)))
      .finally(() => {
        opened.opening = undefined;
      });
    return opened;
  }

  async function begin({ topic, home, reader, listening }: Opened): Promise<void> {
    await listening.ready;
    const [position] = await store.look(home, [topic], homes.now() + LISTENED_MS);
    if (position !== undefined) reader.stands(position);
  }

  function fail(opened: Opened, error: EngineError): void {
    if (opened.reader.position !== undefined) return;
    shut(opened);
    opened.reader.refuse(error);
  }

  function shut({ topic, listening, reader }: Opened): void {
    listening.close();
    if (readers.get(topic)?.reader === reader) readers.delete(topic);
  }

  async function look(home: Home, opened: readonly Opened[]): Promise<void> {
    const names = opened.map(({ topic }) => topic);
    const positions = await store.look(home, names, homes.now() + LISTENED_MS);
    for (const [index, { reader }] of opened.entries()) {
      const position = positions[index];
      if (position !== undefined) reader.stands(position);
    }
  }

  async function lookAtAll(home: Home, all: readonly Opened[]): Promise<void> {
    for (let at = 0; at < all.length; at += TOPICS_PER_LOOK)
      await look(home, all.slice(at, at + TOPICS_PER_LOOK));
  }

  return {
    get count() {
      return readers.size;
    },
    opening: (topic) => readers.get(topic)?.opening,
    join(topic, subscriber, began) {
      const opened = readers.get(topic) ?? open(topic);
      const { reader } = opened;
      if (began !== undefined && reader.position?.epoch !== began.epoch) reader.stands(began);
      reader.add(subscriber);
      return {
        close() {
          reader.remove(subscriber);
          if (reader.subscribers.length === 0) shut(opened);
        },
      };
    },
    async check() {
      const homesRead = Map.groupBy(readers.values(), (opened) => opened.home);
      // A server that is down is no reason not to look at the others.
      await allDone([...homesRead].map(([home, all]) => lookAtAll(home, all)));
    },
    close(answer) {
      for (const { listening, reader } of readers.values()) {
        listening.close();
        reader.refuse(answer);
      }
      readers.clear();
    },
  };
}

/** Settles when all have; rejects as the first that failed. */
async function allDone(all: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(all);
  await Promise.all(all);
}
