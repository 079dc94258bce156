/**
 * Backpressure between two connections that send to one another and are answered for it. Who does not take what waits for him is
 * not read from either, because the answers to what he says fill the same queue; his partner is not read from, because he fills it.
 *
 * Bound of a queue: highWater, plus what was already read from either side. Whom neither pausing stops is closed.
 */
import type { Connection } from "../connection.ts";
import { hasRoom, type OutboxLimits } from "../outbox.ts";

/**
 * Bytes past the mark that can come after a pause: one read of 512 KiB from either side, as tiny messages that grow ninefold by
 * what we add. More can only come from partners that come and go.
 */
const OVERSHOOT = 16 * 1_024 * 1_024;

/** One of the two. */
export interface FlowEnd {
  readonly conn: Connection;
  readonly partner: FlowEnd | undefined;
  /** Not read from for the route's own reason, whatever the queues are. */
  readonly isWaiting: boolean;
  /** More than the mark waited for it, and it has not come below half of that since. Kept here. */
  lagging: boolean;
}

/**
 * Call it when `send` to this end said that some of it waits. False: this end has to be closed with 1013. `ceiling` is the
 * largest message of the route, which may come whole on top of everything; 0 = no limit.
 */
export function keepsUp(end: FlowEnd, { policy, highWater }: OutboxLimits, ceiling: number): boolean {
  const waiting = end.conn.buffered();
  if (highWater === 0 || waiting <= highWater) return true;
  const stoppable = highWater + OVERSHOOT + (ceiling === 0 ? Number.POSITIVE_INFINITY : ceiling);
  if (policy === "close" || waiting > stoppable) return false;
  setLagging(end, true);
  return true;
}

/** Call it when the queue to this end went down: it goes on at half the mark, so that nobody is stopped for each message. */
export function caughtUp(end: FlowEnd, limits: OutboxLimits): void {
  if (end.lagging && hasRoom(end.conn, limits)) setLagging(end, false);
}

/** Pauses or resumes reading from this end as things stand. Call it when its partner or `isWaiting` has changed. */
export function regulate(end: FlowEnd): void {
  const hold = end.isWaiting || isHeldBack(end);
  if (hold === end.conn.isPaused) return;
  if (hold) end.conn.pause();
  else end.conn.resume();
}

/** Whether a queue keeps this end from being read. */
export function isHeldBack(end: FlowEnd): boolean {
  return end.lagging || end.partner?.lagging === true;
}

function setLagging(end: FlowEnd, lagging: boolean): void {
  if (end.lagging === lagging) return;
  end.lagging = lagging;
  regulate(end);
  if (end.partner !== undefined) regulate(end.partner);
}
