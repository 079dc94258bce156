/** What a reader of a topic lost, and how it is told of it: before the next message that it gets, and in the order of offsets. */
import type { Message, Position } from "../engine.ts";
import type { Place } from "./place.ts";

/** It will never get this one, which waited for it. One of a newer epoch: nothing of the older waits any more. */
export function lose(place: Place, { epoch, offset }: Message): void {
  place.queued -= 1;
  place.lost += 1;
  if (epoch !== place.lostEpoch) place.lostTo = 0;
  place.lostEpoch = epoch;
  // Not always in the order of offsets: of two keys the newer value may come to the one that waited longer.
  if (place.lostTo === 0 || offset < place.lostFrom) place.lostFrom = offset;
  place.lostTo = Math.max(place.lostTo, offset);
}

/** All that waited for it is of an epoch that has ended. `next`: the delivery that it needs then. Answers how many it lost. */
export function loseAll(place: Place, next: number): number {
  // A replay finds out by itself: what is delivered is no business of its own until it is at the present.
  if (place.replay !== undefined) return 0;
  const { queued } = place;
  place.lost += queued;
  place.queued = 0;
  place.lostTo = 0;
  place.next = next;
  return queued;
}

/** The engine lost what came up to `to`: of what waits for it nothing can be told in order any more. Answers how many it lost. */
export function loseUpTo(place: Place, to: Position, next: number): number {
  if (place.replay !== undefined || place.epoch !== to.epoch) return 0;
  const { queued } = place;
  place.queued = 0;
  place.lost += queued;
  place.lostEpoch = to.epoch;
  place.lostFrom = place.position + 1;
  place.lostTo = to.offset;
  place.next = next;
  return queued;
}

/** Where a topic stands, for a gap to say. */
type Head = Position & { readonly topic: string };

/** The reader goes on in another epoch, from `head`. The first one it is in is no news. */
export function tellEpoch(place: Place, head: Head): void {
  const isFirst = place.epoch === "";
  place.epoch = head.epoch;
  place.position = head.offset;
  if (!isFirst) place.reader.gap?.({ ...head, reason: "epoch" });
}

/** What a reader must hear before this message: that it is of another epoch, and what it lost. */
export function tellGaps(place: Place, { epoch, offset }: Message, head: Head, isLatest: boolean): void {
  const { topic } = head;
  // The new epoch's gap says all of what was lost in the old one.
  if (epoch !== place.lostEpoch) place.lostTo = 0;
  const first = place.lostTo === 0 ? offset : Math.min(place.lostFrom, offset);
  if (epoch !== place.epoch) tellEpoch(place, { topic, epoch, offset: first - 1 });
  if (place.lostTo === 0) return;
  // The topic may be in a newer epoch by now, and a gap names offsets of one.
  tellLost(place, epoch === head.epoch ? head : { topic, epoch, offset: place.lostTo }, isLatest);
}

/** What it lost while it was slow. With `isLatest` the newest values follow, up to the head: they are among what the gap names. */
function tellLost(place: Place, head: Head, isLatest: boolean): void {
  const { lostFrom: from, lostTo } = place;
  place.lostTo = 0;
  place.reader.gap?.({
    ...head,
    from,
    ...(isLatest ? { to: head.offset, latest: true } : { to: lostTo }),
    reason: "slow",
  });
}

/** Nothing waits for it any more, and what it lost last no message followed. */
export function tellRest(place: Place, head: Head): void {
  if (place.lostTo === 0) return;
  place.position = place.lostTo;
  tellLost(place, head, false);
}

/** The history was evicted before it got there: the reader goes on after `to`. */
export function tellExpired(place: Place, head: Head, to: number): void {
  const from = place.position + 1;
  place.position = to;
  place.reader.gap?.({ ...head, from, to, reason: "expired" });
}
