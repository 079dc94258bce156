/**
 * One subscription's own place in each of its topics. Several subscriptions may share a topic's stream on a connection, and resume it from the
 * lowest of their positions; so each drops what it has had, and is told by a gap of what it will not get.
 */
import { messageOf } from "./frames.ts";
import { createInbox, type Inbox } from "./inbox.ts";
import type { Gap, Item, Position, PresenceItem, ServerFrame } from "./items.ts";

export interface Reader {
  readonly inbox: Inbox<Item>;
  /** Where it stands with what has come, by topic: the next `since`. */
  readonly had: Map<string, Position>;
  /** Where it stands with what was handed out. */
  readonly taken: Map<string, Position>;
  /** It had its first answer, or positions from before: a topic that it does not know began after that. */
  began: boolean;
  /** Its `sub` was answered on this connection. */
  live: boolean;
  /** The stream of a topic goes on after this position. `recovered` false: whatever was asked for, this is it. */
  starts(topic: string, at: Position, recovered?: boolean): void;
  /** A `msg`, `gap`, `join`, `leave` or `count`. True: a message that it had not. */
  hears(frame: ServerFrame): boolean;
  /** What it has a position of is called so. */
  rename(topic: string): void;
  /** The stream was left or lost: nothing counts until it starts again. */
  stops(): void;
}

export interface ReaderEnds {
  /** Nothing more goes in until `drained`. */
  full(): void;
  drained(): void;
  /** Whoever reads wants no more. */
  left(): void;
}

export function createReader(presence: boolean, given: Map<string, Position>, ends: ReaderEnds): Reader {
  const had = given;
  const taken = new Map(given);
  /** Topics whose stream has started for this reader on this connection. */
  const flowing = new Set<string>();
  const inbox = createInbox<Item>({
    ...ends,
    taken: (item) => {
      if ("offset" in item) taken.set(item.topic, { epoch: item.epoch, offset: item.offset });
    },
  });
  const put = (item: Item) => {
    if (inbox.push(item)) ends.full();
  };

  const starts = (topic: string, { epoch, offset }: Position, recovered?: boolean) => {
    flowing.add(topic);
    const known = had.get(topic);
    const { epoch: lastEpoch, offset: last } = known ?? { epoch, offset: self.began ? 0 : offset };
    const gone = lastEpoch !== epoch || (recovered === false ? offset !== last : offset > last);
    if (known === undefined || gone) had.set(topic, { epoch, offset });
    if (known === undefined && !gone) taken.set(topic, { epoch, offset });
    const range = lastEpoch === epoch && offset > last ? { from: last + 1, to: offset } : {};
    if (gone) put({ type: "gap", topic, epoch, offset, reason: "unrecovered", ...range });
  };

  const hearsMessage = (frame: ServerFrame): boolean => {
    const { topic, offset, epoch: begins } = frame;
    // Only the first message of an epoch names it.
    if (begins && begins !== had.get(topic)?.epoch && (self.live || flowing.has(topic))) {
      starts(topic, { epoch: begins, offset: 0 });
    }
    const place = had.get(topic);
    if (place === undefined || !flowing.has(topic) || offset <= place.offset) return false;
    had.set(topic, { epoch: place.epoch, offset });
    put(messageOf(frame, topic, place.epoch));
    return true;
  };

  const hearsGap = (frame: ServerFrame & Partial<Gap>) => {
    const { topic, epoch, to, latest, reason = "slow" } = frame;
    const place = had.get(topic);
    if (place === undefined || !flowing.has(topic)) return;
    const offset = to ?? frame.offset;
    const same = place.epoch === epoch;
    if (same && offset <= place.offset) return;
    const from = same ? Math.max(frame.from ?? 0, place.offset + 1) : frame.from;
    // Of `latest`, the values that follow move the place.
    const at = latest ? place : { epoch, offset };
    had.set(topic, at);
    put({ type: "gap", topic, ...at, reason, from, to, latest });
  };

  const self: Reader = {
    inbox,
    had,
    taken,
    began: given.size > 0,
    live: false,
    starts,
    hears(frame) {
      if (frame.t === "msg") return hearsMessage(frame);
      if (frame.t === "gap") hearsGap(frame);
      else if (presence && flowing.has(frame.topic)) {
        const { t: type, ...fields } = frame;
        put({ ...fields, type } as unknown as PresenceItem);
      }
      return false;
    },
    rename(topic) {
      for (const places of [had, taken]) {
        const [at] = places.values();
        places.clear();
        if (at !== undefined) places.set(topic, at);
      }
    },
    stops() {
      flowing.clear();
      self.live = false;
    },
  };
  return self;
}
