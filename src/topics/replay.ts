/**
 * Brings one reader from a position in the history to the present, with no gap and no double between. It is paced by the reader:
 * of what it has not taken, only its position is kept. What is evicted meanwhile is told by a gap.
 *
 * The way from history to live: deliveries are held from the moment before the last page is asked for, so whatever is not in that
 * page is among them. A history that cannot be read closes the reader with 1013; it comes back and resumes.
 */
import type { HistoryPage, Message, Position, Topics } from "../engine.ts";
import type { RouteCounters } from "../metrics.ts";
import type { Start } from "../wire/v1.ts";
import type { FanOut } from "./fan-out.ts";
import { tellEpoch, tellExpired } from "./losses.ts";
import type { Place } from "./place.ts";

/** Where a reader wants to begin. Neither: at the present. */
export interface From {
  /** All after this position, or nothing. */
  readonly since?: Position | undefined;
  /** The last so many; beside `since` only when that cannot be served. */
  readonly last?: number | undefined;
}

/** Where a reader begins, and the first page of what it is sent. */
export interface Beginning {
  readonly start: Start;
  /** Absent: nothing old follows. */
  readonly page?: HistoryPage;
}

type History = Pick<Topics, "history">;

const PAGE = 200;
/** A look at the reader's queue costs as much as a small message, so there is one for so many bytes. */
const BYTES_PER_LOOK = 16 * 1024;
/** What a frame adds to the data of a message: its names and its head. */
const ENVELOPE_BYTES = 150;

/** Whether all that was asked for is there. Rejects when the engine is down. */
export async function beginning(topics: History, topic: string, { since, last }: From): Promise<Beginning> {
  if (since === undefined) return lastOnes(topics, topic, last ?? 0);
  const page = await topics.history(topic, { since, limit: PAGE });
  const { epoch, offset, complete } = page;
  if (complete) return { start: { epoch, offset, recovered: true, count: offset - since.offset }, page };
  const found = await lastOnes(topics, topic, last ?? 0);
  return { ...found, start: { ...found.start, recovered: false } };
}

/** A page holds no more than HISTORY_PAGE_BYTES, so it may take several to find where the last ones begin. */
async function lastOnes(topics: History, topic: string, last: number): Promise<Beginning> {
  const newest = await topics.history(topic, { limit: last });
  const { epoch, offset } = newest;
  let page = newest;
  let count = page.messages.length;
  while (page.more && count < last && page.messages.length > 0) {
    const before = { epoch, offset: offset - count + 1 };
    page = await topics.history(topic, { before, limit: last - count });
    count += page.messages.length;
  }
  // Read as what follows the start: all there, and more of it where the newest page was not the only one.
  return { start: { epoch, offset, count }, page: { ...page, complete: true, more: page !== newest } };
}

export interface ReplayOptions {
  readonly topics: History;
  readonly counters: RouteCounters;
  readonly fanOut: FanOut;
  /** Stands at the position to begin after, and is held. */
  readonly place: Place;
  onError(error: unknown): void;
}

/** `page`: the first one. It is not kept: while thousands of replays wait for one reader, their pages would be all there is. */
export function startReplay(options: ReplayOptions, page?: HistoryPage): void {
  const { fanOut, place, topics } = options;
  let wake = () => {};
  place.replay = { drain: () => wake() };

  async function roomFor(): Promise<void> {
    while (!place.isGone && !fanOut.hasRoom(place)) {
      fanOut.release(place);
      place.reader.lagging?.(true);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  async function run(isDone: boolean): Promise<void> {
    let isPresent = isDone;
    while (!isPresent) {
      await roomFor();
      if (place.isGone) return;
      fanOut.hold(place);
      const since = { epoch: place.epoch, offset: place.position };
      isPresent = sendPage(options, await topics.history(fanOut.topic, { since, limit: PAGE }));
    }
    if (!place.isGone && !place.isLagging) place.reader.lagging?.(false);
  }

  // Outside of `run`, whose frame keeps what it was given.
  run(page === undefined ? fanOut.present(place) : sendPage(options, page)).catch((error: unknown) => {
    options.onError(error);
    place.reader.close(1013, "the history cannot be read; try again later");
  });
}

/** Sends a page. True: nothing more is to be done. */
function sendPage(options: ReplayOptions, page: HistoryPage): boolean {
  const { connection } = options.place.reader;
  return connection === undefined ? goOn(options, page) : connection.cork(() => goOn(options, page));
}

function goOn(options: ReplayOptions, page: HistoryPage): boolean {
  const { fanOut, place } = options;
  if (place.isGone) return true;
  const { epoch, offset, messages, more, complete } = page;
  if (epoch !== place.epoch) {
    place.past = place.epoch;
    tellEpoch(place, { topic: fanOut.topic, epoch, offset });
  } else if (!complete) expire(options, { epoch, offset }, (messages[0]?.offset ?? offset + 1) - 1);
  if (!sendAll(fanOut, place, messages)) return place.isGone;
  return !more && fanOut.present(place);
}

/** Messages up to `to` that the reader was promised, and the history no longer holds. */
function expire({ fanOut, place, counters }: ReplayOptions, head: Position, to: number): void {
  const lost = to - place.position;
  counters.due += lost;
  counters.dropped.slow += lost;
  tellExpired(place, { topic: fanOut.topic, ...head }, to);
}

/** False: the reader is full, or gone. */
function sendAll(fanOut: FanOut, place: Place, messages: readonly Message[]): boolean {
  let unseen = BYTES_PER_LOOK;
  for (const message of messages) {
    if (unseen >= BYTES_PER_LOOK) {
      if (!fanOut.hasRoom(place)) return false;
      unseen = 0;
    }
    fanOut.sendDue(place, message);
    if (place.isGone) return false;
    unseen += message.size + ENVELOPE_BYTES;
  }
  return true;
}
