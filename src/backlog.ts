/**
 * What a topic keeps while one of its readers lags: the newest messages in order of offset, bounded in bytes.
 * `all` keeps each message; `latest` keeps the newest of each key, so that an older value gives way to a newer one.
 * Whatever leaves unsent is reported at that moment, so that nobody's queue is counted wrong.
 */
import type { Message } from "./engine.ts";

export interface Backlog {
  /** `onLeave` hears of each message that gave way to this one. */
  push(message: Message, onLeave: (message: Message) => void): void;
  /** The messages from this offset on, ascending. */
  from(offset: number): readonly Message[];
  clear(): void;
}

/** Keeps every message: offsets grow by 1, so one of them is an index. */
export function createTail(maxBytes: number): Backlog {
  let messages: Message[] = [];
  let head = 0;
  let bytes = 0;

  function evict(onLeave: (message: Message) => void): void {
    const oldest = messages[head];
    if (oldest === undefined) return;
    head += 1;
    bytes -= oldest.size;
    if (head > 1024 && head * 2 > messages.length) {
      messages = messages.slice(head);
      head = 0;
    }
    onLeave(oldest);
  }

  return {
    push(message, onLeave) {
      messages.push(message);
      bytes += message.size;
      while (bytes > maxBytes && messages.length - head > 1) evict(onLeave);
    },
    from(offset) {
      const first = messages[head];
      return first === undefined ? [] : messages.slice(head + Math.max(0, offset - first.offset));
    },
    clear() {
      messages = [];
      head = 0;
      bytes = 0;
    },
  };
}

/** Keeps the newest message of each key; messages without a key share one. */
export function createLatest(maxBytes: number): Backlog {
  // Insertion order is the order of offsets, because a newer value is deleted and set again.
  const newest = new Map<string | undefined, Message>();
  let last: Message | undefined;
  let bytes = 0;

  function remove(message: Message, onLeave: (message: Message) => void): void {
    newest.delete(message.key);
    bytes -= message.size;
    onLeave(message);
  }

  return {
    push(message, onLeave) {
      const older = newest.get(message.key);
      if (older !== undefined) remove(older, onLeave);
      newest.set(message.key, message);
      last = message;
      bytes += message.size;
      for (const oldest of newest.values()) {
        if (bytes <= maxBytes || oldest === message) break;
        remove(oldest, onLeave);
      }
    },
    from(offset) {
      // A reader who keeps up asks for the last message only, however many keys there are.
      if (last?.offset === offset) return [last];
      return [...newest.values()].filter((message) => message.offset >= offset);
    },
    clear() {
      newest.clear();
      last = undefined;
      bytes = 0;
    },
  };
}
