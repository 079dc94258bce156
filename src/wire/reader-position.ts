/**
 * Where a reader of a topic stands, from what the server told it. Only this position may be sent back as `since`. Pure.
 * Both ends use it: the client to go on after a lost connection, the tests to check what the server says.
 */
import type { Gap, Position, Start } from "./v1.ts";

/** What of a message matters here. `epoch` stands in the first of its epoch only. */
interface Told {
  readonly epoch?: string | undefined;
  readonly offset: number;
}

/**
 * At the `ok` of a `sub`, or `welcome.sub`: before the old messages that follow. `at`: what was sent as `since`. Where that is not
 * answered, the topic flows already, for another subscription that began further back: what it brings again is had.
 */
export function startPosition(
  at: Position | undefined,
  { epoch, offset, recovered, count }: Start,
): Position {
  const start = { epoch, offset: offset - count };
  const isAhead = recovered === undefined && at?.epoch === epoch && at.offset > start.offset;
  return isAhead ? at : start;
}

/** Whether messages between `since` and the start will not come. */
export function isLostStart(at: Position | undefined, { epoch, recovered }: Start): boolean {
  return recovered === undefined ? at !== undefined && isOtherEpoch(at, epoch) : !recovered;
}

/** False: it has had this one, from another subscription's replay. */
export function isNewMessage(at: Position | undefined, { epoch, offset }: Told): boolean {
  return at === undefined || isOtherEpoch(at, epoch) || offset > at.offset;
}

/** After a new message. Undefined: its epoch is not known, which a server that keeps to the rules does not let happen. */
export function afterMessage(at: Position | undefined, { epoch, offset }: Told): Position | undefined {
  const known = epoch ?? at?.epoch;
  return known === undefined ? undefined : { epoch: known, offset };
}

/** False: all that the gap names this reader has had. */
export function isLoss(at: Position | undefined, { epoch, to }: Gap): boolean {
  return at === undefined || isOtherEpoch(at, epoch) || to === undefined || to > at.offset;
}

/** After a gap that is a loss. The newest values among what it names still come, and move the reader themselves. */
export function afterGap(at: Position | undefined, { epoch, offset, to, latest }: Gap): Position | undefined {
  return latest === true ? at : { epoch, offset: to ?? offset };
}

function isOtherEpoch(at: Position, epoch: string | undefined): boolean {
  return epoch !== undefined && epoch !== at.epoch;
}
