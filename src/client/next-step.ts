/**
 * What to do after a close. The table of wire/close-codes.ts as ranges, which cost a page fewer bytes than its texts;
 * test/client/next-step.test.ts holds the two together. A code that nobody knows is retried: it may be a proxy's.
 */
import type { NextStep } from "../wire/close-codes.ts";

const STOP = [1000, 1002, 1003, 1007, 1008, 1009, 3003];

export function nextStep(code: number): NextStep {
  if (code === 3000) return "fresh";
  return STOP.includes(code) || (code >= 4500 && code < 5000) ? "stop" : "retry";
}

/** The least wait in ms that a close asks for in its reason; 0 when it asks for none. */
export function retryHint(reason: string): number {
  return Number(/^retry=(\d+)/.exec(reason)?.[1] ?? 0);
}
