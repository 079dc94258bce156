/**
 * How often one connection may do what costs much. What comes too early is for the caller to hold back or to refuse: a client that comes
 * back with all its topics is no attack.
 */
import type { Clock } from "../clock.ts";
import type { Answer } from "../wire/v1.ts";

/** So many topics of a pattern count as one more `sub`: to begin a stream in each of 10,000 takes the server 200 ms. */
const TOPICS_PER_SUB = 100;

/** A class, because there is one per connection. */
export class Rate {
  /** Clock time in ms up to which what was done so far uses the rate up. */
  private until = 0;

  constructor(
    private readonly clock: Clock,
    /** Milliseconds for each, after `burst` of them at once; 0 = any number. */
    private readonly every: number,
    private readonly burst: number,
  ) {}

  /** Milliseconds until one more is within the rate; 0: now, and it is counted. */
  delay(): number {
    const { clock, every, burst } = this;
    if (every === 0) return 0;
    const now = clock.now();
    const until = Math.max(this.until, now) + every;
    const delay = until - now - burst * every;
    if (delay <= 0) this.until = until;
    return Math.max(0, delay);
  }

  /** It turned out to be so many more. */
  add(count: number): void {
    this.until += count * this.every;
  }
}

/** What is known of a `sub` only when it has been done: how many more it counts as. */
export function moreSubs(answer: Answer): number {
  const positions = "ok" in answer ? answer.ok["positions"] : undefined;
  if (typeof positions !== "object" || positions === null) return 0;
  return Object.keys(positions).length / TOPICS_PER_SUB;
}
