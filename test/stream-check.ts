/**
 * Holds what one v1 reader of a topic is told against the topic's log: a run of it without a hole, or a gap that is declared, by the
 * rules for positions in PROTOCOL.md. No message twice, none out of order, and the same one for everybody at each offset.
 * Written without the code that it checks. Throws at the first thing that breaks a rule.
 */
import type { Gap, Position, Start } from "../src/wire/v1.ts";

/** A topic's messages by position, as whoever saw one first saw it. */
export interface TopicLog {
  /** Throws if another message was seen at that position. */
  see(position: Position, data: unknown): void;
  has(position: Position): boolean;
}

export interface ToldMessage {
  readonly epoch?: string | undefined;
  readonly offset: number;
  readonly data: unknown;
}

export interface StreamCheck {
  /** The last message it has had, or was told to have lost: what it would send as `since`. */
  readonly at: Position;
  message(message: ToldMessage): void;
  gap(gap: Gap): void;
}

export function createTopicLog(): TopicLog {
  const seen = new Map<string, unknown>();
  const keyOf = ({ epoch, offset }: Position) => `${epoch}:${offset}`;
  return {
    see(position, data) {
      const key = keyOf(position);
      if (!seen.has(key)) seen.set(key, data);
      if (seen.get(key) !== data) broken(`${key} was ${show(seen.get(key))} and is now ${show(data)}`);
    },
    has: (position) => seen.has(keyOf(position)),
  };
}

/** `since`: what the reader asked for. Absent: whatever follows. */
export function checkStream(log: TopicLog, start: Start, since?: Position): StreamCheck {
  let at: Position = { epoch: start.epoch, offset: start.offset - start.count };
  /** Offsets of which only the newest values come. */
  let excused: (readonly [from: number, to: number])[] = [];
  /** An epoch that has ended never comes back. */
  const epochs = new Set([start.epoch]);
  checkStart(start, since);

  function skip(to: number): void {
    for (let offset = at.offset + 1; offset < to; offset += 1) {
      if (!excused.some(([first, last]) => offset >= first && offset <= last))
        broken(`${to} came after ${at.offset}, and nobody said that ${offset} would not`);
    }
  }

  return {
    get at() {
      return at;
    },
    message({ epoch = at.epoch, offset, data }) {
      if (epoch !== at.epoch) broken(`${epoch}:${offset} came in ${at.epoch}, without a gap`);
      if (offset <= at.offset) broken(`${offset} came after ${at.offset}`);
      skip(offset);
      at = { epoch, offset };
      log.see(at, data);
    },
    gap(gap) {
      const { epoch, offset, from, to, latest } = gap;
      if (to === undefined) {
        if (epochs.has(epoch)) broken(`a gap into an epoch that it was in: ${show(gap)} at ${show(at)}`);
        epochs.add(epoch);
        at = { epoch, offset };
        excused = [];
        return;
      }
      if (from === undefined || to < from || epoch !== at.epoch) broken(`${show(gap)} at ${show(at)}`);
      else if (latest) excused.push([from, to]);
      else if (from !== at.offset + 1) broken(`${show(gap)} does not go on from ${show(at)}`);
      else at = { epoch, offset: to };
    },
  };
}

function checkStart({ epoch, offset, recovered, count }: Start, since: Position | undefined): void {
  if ((recovered === undefined) !== (since === undefined))
    broken("`recovered` stands only where `since` was");
  if (recovered === true && (since?.epoch !== epoch || since.offset !== offset - count))
    broken(`recovered from ${show(since)}, but begins ${count} before ${epoch}:${offset}`);
}

const show = (value: unknown) => JSON.stringify(value);

function broken(what: string): never {
  throw new Error(`a reader's stream: ${what}`);
}
