/**
 * The local readers of one route, topic by topic. A topic is subscribed at the engine while it has a reader, and forgotten with its last.
 * When the engine cannot take a subscription its readers are closed with 1013: silence would look like a quiet topic.
 * Accounting: due = delivered + dropped + queued, at any moment between two calls.
 */
import type { Connection } from "./connection.ts";
import type { Subscription, Topics } from "./engine.ts";
import { FanOut, type FanOutOptions } from "./fan-out.ts";
import type { Reader } from "./place.ts";

export interface HubOptions extends FanOutOptions {
  readonly topics: Topics;
}

/** One reader in one topic. */
export interface Membership {
  /** The reader's queue went down: it may be sent what waits. */
  drain(): void;
  /** Without effect the second time. */
  leave(): void;
}

export interface HubStats {
  readonly topics: number;
  readonly readers: number;
  readonly lagging: number;
  readonly queued: number;
  /** Bytes that are kept for readers who lag. */
  readonly held: number;
}

export interface Hub {
  join(topic: string, reader: Reader): Membership;
  stats(): HubStats;
}

/** An engine may answer before the first reader has joined, and a route before it knows its membership; both have by then. */
function refuse(fanOut: FanOut, text: string): void {
  queueMicrotask(() => fanOut.closeAll(text));
}

/** A plain WebSocket client as a reader of a topic. */
export function readerOf(connection: Connection, skipsOwn = false): Reader {
  return {
    id: connection.id,
    format: "plain",
    connection,
    skipsOwn,
    send: ({ data }) => void connection.send(data),
    buffered: () => connection.buffered(),
    close: (code, reason) => connection.close(code, reason),
  };
}

interface Subscribed {
  readonly fanOut: FanOut;
  readonly subscription: Subscription;
}

export function createHub(options: HubOptions): Hub {
  const topics = new Map<string, Subscribed>();

  function subscribe(name: string): Subscribed {
    const fanOut = new FanOut(name, options);
    const subscription = options.topics.subscribe(
      name,
      (message) => fanOut.deliver(message),
      (result) => {
        if ("code" in result) refuse(fanOut, result.text);
      },
    );
    const subscribed = { fanOut, subscription };
    topics.set(name, subscribed);
    return subscribed;
  }

  return {
    join(name, reader) {
      const { fanOut, subscription } = topics.get(name) ?? subscribe(name);
      const place = fanOut.join(reader);
      return {
        drain: () => fanOut.drain(place),
        leave() {
          if (place.isGone) return;
          fanOut.leave(place);
          if (fanOut.readers > 0) return;
          subscription.close();
          topics.delete(name);
        },
      };
    },
    stats() {
      const fanOuts = [...topics.values()].map(({ fanOut }) => fanOut);
      const sum = (read: (fanOut: FanOut) => number) =>
        fanOuts.reduce((total, each) => total + read(each), 0);
      return {
        topics: fanOuts.length,
        readers: sum(({ readers }) => readers),
        lagging: sum(({ lagging }) => lagging),
        queued: sum(({ queued }) => queued),
        held: sum(({ held }) => held),
      };
    },
  };
}
