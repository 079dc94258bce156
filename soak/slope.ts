/**
 * Whether memory grows: a line through samples, and how sure it is. A collector makes memory go up and down, so each sample is the least
 * of a while; what is left is taken for independent noise, which is a little too kind.
 */

export interface Sample {
  /** Seconds. */
  readonly at: number;
  readonly bytes: number;
}

export interface Slope {
  /** Bytes a second. */
  readonly perSecond: number;
  /** The true one lies within so much of it, 19 times out of 20; infinite for fewer than three samples. */
  readonly margin: number;
}

/** The least of each `seconds`, at its middle. */
export function lows(samples: readonly Sample[], seconds: number): Sample[] {
  const groups = Map.groupBy(samples, ({ at }) => Math.floor(at / seconds));
  return [...groups].map(([group, each]) => ({
    at: (group + 0.5) * seconds,
    bytes: Math.min(...each.map(({ bytes }) => bytes)),
  }));
}

/** Least squares. */
export function slopeOf(samples: readonly Sample[]): Slope {
  const count = samples.length;
  const mean = (pick: (sample: Sample) => number) =>
    samples.reduce((sum, each) => sum + pick(each), 0) / count;
  const [at, bytes] = [mean((each) => each.at), mean((each) => each.bytes)];
  const spread = samples.reduce((sum, each) => sum + (each.at - at) ** 2, 0);
  if (count < 2 || spread === 0) return { perSecond: 0, margin: Number.POSITIVE_INFINITY };
  const perSecond = samples.reduce((sum, each) => sum + (each.at - at) * (each.bytes - bytes), 0) / spread;
  if (count < 3) return { perSecond, margin: Number.POSITIVE_INFINITY };
  const errors = samples.map((each) => each.bytes - bytes - perSecond * (each.at - at));
  const variance = errors.reduce((sum, error) => sum + error ** 2, 0) / (count - 2);
  return { perSecond, margin: studentT(count - 2) * Math.sqrt(variance / spread) };
}

/** Two-sided 95 % of Student's t, within 1 % from two degrees of freedom on (Cornish and Fisher's expansion around 1.96). */
function studentT(freedom: number): number {
  if (freedom < 2) return 12.71;
  const z = 1.96;
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  return z + first / freedom + second / freedom ** 2 + third / freedom ** 3;
}
