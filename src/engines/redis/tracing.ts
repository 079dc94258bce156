/**
 * Bun 1.4 lacks a property that Node's tracing channels have, and ioredis takes that for a listener: it makes text of all arguments of
 * each call for nobody, a fifteenth of what a publish costs. With the property as Node has it nobody is told until somebody listens.
 */
import { tracingChannel } from "node:diagnostics_channel";

const PARTS = ["start", "end", "asyncStart", "asyncEnd", "error"] as const;

type Parts = { readonly [Part in (typeof PARTS)[number]]?: { readonly hasSubscribers: boolean } };

/** Does nothing where the runtime has it. */
export function completeTracing(): void {
  const prototype: object = Object.getPrototypeOf(tracingChannel("ioredis:command"));
  if ("hasSubscribers" in prototype) return;
  Object.defineProperty(prototype, "hasSubscribers", {
    configurable: true,
    get(this: Parts) {
      return PARTS.some((part) => this[part]?.hasSubscribers === true);
    },
  });
}
