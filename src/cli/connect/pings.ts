/**
 * Pings of the client: one every `interval`, never two unanswered, so each pong that fits is the round trip of its ping. No pong within
 * `timeout` is told once; that deadline waits while our own messages are still on their way out, or nothing is read.
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
  /** Milliseconds that this pong took; undefined when it answers none of ours. */
  heard(data: Uint8Array): number | undefined;
  stop(): void;
}

export function startPings({ interval, timeout }: PingTimes, clock: Clock, target: Pinged): Pings {
  let count = 0;
  let waiting: { readonly data: string; readonly at: number } | undefined;
  let deadline: Timer | undefined;

  const arm = () => {
    if (timeout > 0) deadline = clock.after(timeout, () => (target.isHeld() ? arm() : target.onSilent()));
  };
  const beat = () => {
    if (waiting !== undefined) return;
    count += 1;
    waiting = { data: `ping ${count}`, at: clock.now() };
    target.ping(waiting.data);
    arm();
  };
  const beats = interval > 0 ? clock.every(interval, beat) : undefined;

  return {
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
