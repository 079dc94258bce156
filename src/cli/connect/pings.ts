/**
 * Pings of the client: one every `interval`, never two unanswered, so each pong that fits is the round trip of its ping. A server whose queue
 * to us is full may drop a pong, so one that is overdue while other things come is asked for again. `timeout` without any sign of life after a
 * ping is told once; that deadline waits while our own messages are still on their way out, or nothing is read.
 */
import type { Clock, Timer } from "../../clock.ts";

export interface PingTimes {
  /** Milliseconds; 0 sends none. */
  readonly interval: number;
  /** Milliseconds; 0 waits for ever. */
  readonly timeout: number;
}

export interface Pinged {
  ping(data: string): void;
  /** A pong could not have come yet. */
  isHeld(): boolean;
  onSilent(): void;
}

export interface Pings {
  /** Something came. */
  seen(): void;
  /** Milliseconds that this pong took; undefined when it answers none of ours. */
  heard(data: Uint8Array): number | undefined;
  stop(): void;
}

/** Without a `timeout`, a pong this late is lost, if anything came since its ping. */
const LOST_MS = 10_000;

export function startPings({ interval, timeout }: PingTimes, clock: Clock, target: Pinged): Pings {
  let count = 0;
  let waiting: { readonly data: string; readonly at: number } | undefined;
  let deadline: Timer | undefined;
  let lastSeen = 0;

  const send = () => {
    count += 1;
    waiting = { data: `ping ${count}`, at: clock.now() };
    target.ping(waiting.data);
    arm(waiting.at);
  };
  const arm = (sentAt: number) => {
    deadline = clock.after(timeout || LOST_MS, () => {
      if (target.isHeld()) arm(sentAt);
      else if (lastSeen > sentAt) send();
      else if (timeout > 0) target.onSilent();
      else arm(sentAt);
    });
  };
  const beats =
    interval > 0
      ? clock.every(interval, () => {
          if (waiting === undefined) send();
        })
      : undefined;

  return {
    seen() {
      lastSeen = clock.now();
    },
    heard(data) {
      if (waiting === undefined || Buffer.from(data).toString() !== waiting.data) return undefined;
      const rtt = clock.now() - waiting.at;
      waiting = undefined;
      deadline?.cancel();
      return rtt;
    },
    stop() {
      beats?.cancel();
      deadline?.cancel();
    },
  };
}
