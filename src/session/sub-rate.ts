/**
 * How fast one connection subscribes: each `sub` reads a history, and a pattern reads many. What comes too early is to wait, not to be
 * refused: a client that comes back with all its topics is no attack.
 */
import type { Clock } from "../clock.ts";
import type { Answer } from "../wire/v1.ts";

export interface SubRateOptions {
  /** `sub` commands a second, after `burst` of them at once; 0 = any number. */
  readonly subscribes: number;
  readonly burst: number;
  readonly clock: Clock;
}

/** So many topics of a pattern count as one more `sub`: to begin a stream in each of 10,000 takes the server 200 ms. */
const TOPICS_PER_SUB = 100;

/** A class, because there is one per connection. */
export class SubRate {
  /** Clock time in ms up to which the `sub` commands so far use the rate up. */
  private until = 0;

  constructor(private readonly options: SubRateOptions) {}

  /** Milliseconds until one more `sub` is within the rate; 0: now, and it is counted. */
  delay(): number {
    const { subscribes, burst, clock } = this.options;
    if (subscribes === 0) return 0;
    const [now, cost] = [clock.now(), 1000 / subscribes];
    const until = Math.max(this.until, now) + cost;
    const delay = until - now - burst * cost;
    if (delay <= 0) this.until = until;
    return Math.max(0, delay);
  }

  /** What is known of a `sub` only when it has been done. */
  count(answer: Answer): void {
    const positions = "ok" in answer ? answer.ok["positions"] : undefined;
    if (typeof positions !== "object" || positions === null || this.options.subscribes === 0) return;
    const subs = Object.keys(positions).length / TOPICS_PER_SUB;
    this.until += (subs * 1000) / this.options.subscribes;
  }
}
