/**
 * How long to wait before the next attempt: full jitter, a random part of a bound that doubles with each failure. So clients that lost the
 * same server do not come back in waves.
 */
export interface Delays {
  /** Bound of the first wait in ms. @default 250 */
  readonly minDelay?: number | undefined;
  /** No wait is longer, in ms. @default 20,000 */
  readonly maxDelay?: number | undefined;
}

/** `failures`: how many attempts in a row have failed before this one. */
export function backoff(
  failures: number,
  { minDelay = 250, maxDelay = 20_000 }: Delays,
  random = Math.random,
) {
  return random() * Math.min(maxDelay, minDelay * 2 ** failures);
}
