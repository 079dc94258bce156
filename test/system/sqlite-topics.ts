/** What the writer that is killed and the test that looks after it agree on. */
import type { HistoryLimits } from "../../src/engine.ts";

export const TOPICS = ["a", "b.c", "d"];
/** Nothing is evicted. */
export const LIMITS: HistoryLimits = { size: 1_000_000, ttl: 0, bytes: 0 };
