/**
 * How fast one connection may send: messages and bytes a second. A bucket for each, which holds one second's worth, so a burst of that is free.
 * Who is faster is not read for a while, so a sender that only hurries is slowed down and nothing more. What one read brought comes all the same
 * (at most 512 KiB): it is counted, and whoever is far ahead with it is told so, then closed; how far is for the caller to say.
 */
import type { Clock, Timer } from "../clock.ts";

/** A second; 0: any number. */
export interface PaceLimits {
  readonly messages: number;
  readonly bytes: number;
}

/** A connection, as far as its pace needs it. */
export interface Paced {
  /** Nothing is read from it until `readOn`. */
  holdBack(): void;
  readOn(): void;
}

/** Nobody is left unread for longer, however far ahead: an end would go unseen, too. */
const MAX_HOLD_MS = 10_000;

/** Undefined: there is no limit, and nothing to count. */
export function createPacing(limits: PaceLimits, clock: Clock): ((connection: Paced) => Pace) | undefined {
  if (limits.messages === 0 && limits.bytes === 0) return undefined;
  // No Infinity: it has no product with a time of 0.
  const rate = (perSecond: number) => (perSecond || Number.MAX_VALUE) / 1000;
  const perMs = { messages: rate(limits.messages), bytes: rate(limits.bytes) };
  return (connection) => new Pace(perMs, connection, clock);
}

/** A class, because there is one for each connection. */
export class Pace {
  /** What is left to send; below 0: owed. The clock is looked at when nothing is left, which is why a burst may be of two seconds. */
  private messages: number;
  private bytes: number;
  private filledAt: number;
  private timer: Timer | undefined;

  constructor(
    private readonly perMs: PaceLimits,
    private readonly connection: Paced,
    private readonly clock: Clock,
  ) {
    this.messages = perMs.messages * 1000;
    this.bytes = perMs.bytes * 1000;
    this.filledAt = clock.now();
  }

  /** Counts a message. By how many ms those before it are ahead of the rate; 0: they are not. */
  count(size: number): number {
    if (this.messages >= 1 && this.bytes >= size) {
      this.messages -= 1;
      this.bytes -= size;
      return 0;
    }
    this.fill();
    const ahead = this.ahead();
    this.messages -= 1;
    this.bytes -= size;
    if (this.ahead() > 0) this.hold();
    return ahead;
  }

  /** The connection has ended. */
  end(): void {
    this.timer?.cancel();
  }

  private fill(): void {
    const now = this.clock.now();
    const passed = now - this.filledAt;
    const { messages, bytes } = this.perMs;
    this.messages = Math.min(messages * 1000, this.messages + passed * messages);
    this.bytes = Math.min(bytes * 1000, this.bytes + passed * bytes);
    this.filledAt = now;
  }

  private ahead(): number {
    const { messages, bytes } = this.perMs;
    return Math.max(0, owed(this.messages, messages), owed(this.bytes, bytes));
  }

  private hold(): void {
    if (this.timer !== undefined) return;
    this.connection.holdBack();
    this.wait(this.clock.now() + MAX_HOLD_MS);
  }

  /** What the same read brought may have made it longer meanwhile. */
  private wait(until: number): void {
    this.fill();
    const ms = Math.min(this.ahead(), until - this.filledAt);
    this.timer = ms > 0 ? this.clock.after(ms, () => this.wait(until)) : undefined;
    if (ms <= 0) this.connection.readOn();
  }
}

function owed(left: number, perMs: number): number {
  return left < 0 ? -left / perMs : 0;
}
