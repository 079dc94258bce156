/**
 * The demo source: invented share prices, one message per interval. The first comes at once, so a dashboard that is opened right
 * after the start finds a price instead of an empty page. It ends when its signal aborts, also while it waits, and leaves no timer.
 */
import { type Clock, pause } from "../clock.ts";
import type { Source, SourceMessage } from "../config/kinds/feed.ts";

const SYMBOLS = ["AAPL", "GOOGL", "MSFT", "AMZN"] as const;
const PROVIDERS = ["alpha_vantage", "yahoo_finance"] as const;
const CHEAPEST = 10_000;
const DEAREST = 50_000;

export interface StocksOptions {
  /** Milliseconds between two messages, at least 1. */
  readonly interval: number;
  readonly clock: Clock;
  /** At least 0 and less than 1. Default: the system's own random numbers. */
  readonly random?: () => number;
}

/** One quote as clients see it. `price`: at least 100 and less than 500, in hundredths. `timestamp`: unix seconds. */
export interface Quote {
  readonly symbol: (typeof SYMBOLS)[number];
  readonly price: number;
  readonly source: (typeof PROVIDERS)[number];
  readonly timestamp: number;
}

export function stocks({ interval, clock, random = systemRandom }: StocksOptions): Source {
  return async function* stocks(signal): AsyncGenerator<SourceMessage> {
    while (!signal.aborted) {
      yield { data: quote(clock, random) };
      await pause(clock, interval, signal);
    }
  };
}

function quote(clock: Clock, random: () => number): Quote {
  const pick = <T>(first: T, ...others: T[]): T =>
    others[Math.floor(random() * (others.length + 1)) - 1] ?? first;
  return {
    symbol: pick(...SYMBOLS),
    // Whole cents, then one division: 100 + 0.07 * n would show as 100.07000000000001.
    price: (CHEAPEST + Math.floor(random() * (DEAREST - CHEAPEST))) / 100,
    source: pick(...PROVIDERS),
    timestamp: Math.floor(clock.wall() / 1000),
  };
}

const systemRandom = () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;
