/**
 * A topic's readers who keep up: they sit on the runtime's native channels, one for each format, and each channel is handed a
 * message once, encoded once, whatever the number of readers.
 */
import type { Connection, Data, Publisher } from "../connection.ts";
import type { Message, Position } from "../engine.ts";
import { byteLength } from "../limits.ts";
import type { RouteCounters } from "../metrics.ts";
import { gapFrame, messageFrame } from "../wire/frames.ts";
import type { Format, Place } from "./place.ts";

export interface LiveOptions {
  /** The route's path: channels of two routes never meet. */
  readonly route: string;
  readonly publisher: Publisher;
  readonly counters: RouteCounters;
}

/** A class, because there is one per topic: a hundred thousand of them share their methods. */
export class Live {
  private readonly channels: Readonly<Record<Format, string>>;
  private readonly readers: Record<Format, number> = { plain: 0, v1: 0 };
  /** Those who are not sent their own messages, by connection. In most topics nobody is, and then no message looks for its sender. */
  private readonly skippers = new Map<string, Connection>();

  constructor(
    private readonly topic: string,
    private readonly options: LiveOptions,
  ) {
    const channel = `${options.route}\0${topic}`;
    this.channels = { plain: channel, v1: `${channel}\0v1` };
  }

  add(place: Place): void {
    const { id, connection, format, skipsOwn } = place.reader;
    place.isLive = true;
    this.readers[format] += 1;
    if (skipsOwn && connection !== undefined) this.skippers.set(id, connection);
    connection?.subscribe(this.channels[format]);
  }

  remove(place: Place): void {
    const { id, connection, format } = place.reader;
    place.isLive = false;
    this.readers[format] -= 1;
    this.skippers.delete(id);
    connection?.unsubscribe(this.channels[format]);
  }

  /** Answers the bytes that each reader got, at most. */
  deliver(message: Message): number {
    if (this.readers.plain > 0) this.deliverPlain(message);
    if (this.readers.v1 === 0) return message.size;
    const frame = messageFrame(message);
    const size = byteLength(frame);
    this.publish("v1", frame, this.readers.v1, size);
    return size;
  }

  /** Offsets begin again: the message that comes next is in another epoch. Plain readers know no offsets. */
  turnEpoch({ epoch, offset }: Position): void {
    if (this.readers.v1 === 0) return;
    const gap = { topic: this.topic, epoch, offset: offset - 1, reason: "epoch" } as const;
    this.options.publisher.publish(this.channels.v1, gapFrame(gap));
  }

  /** Nothing between `from` and this position will come. */
  skip(from: number, { epoch, offset }: Position): void {
    if (this.readers.v1 === 0) return;
    const gap = { topic: this.topic, epoch, offset, from, to: offset, reason: "expired" } as const;
    this.options.publisher.publish(this.channels.v1, gapFrame(gap));
  }

  private deliverPlain({ conn, data, size }: Message): void {
    const skipped = this.skippers.size > 0 && conn !== undefined ? this.skippers.get(conn) : undefined;
    const readers = this.readers.plain - (skipped === undefined ? 0 : 1);
    if (readers > 0) this.publish("plain", data, readers, size, skipped);
  }

  private publish(format: Format, data: Data, readers: number, size: number, except?: Connection): void {
    const { counters, publisher } = this.options;
    counters.due += readers;
    counters.delivered += readers;
    counters.sent += readers;
    counters.sentBytes += readers * size;
    publisher.publish(this.channels[format], data, except);
  }
}
